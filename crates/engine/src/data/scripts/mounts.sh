# Runs on the GPU: where the workspace really is, and what is mounted. Argument: workspace.
say root "$(cd -P -- "$1" 2>/dev/null && pwd -P)"
head -c 262144 /proc/self/mountinfo | while read -r _ _ _ _ at _; do say "at $at" mount; done
