# Runs on the standby: once a second, does the GPU's SSH server still greet?
# Arguments: host, port. Prints one line per look: "ok", or "no <why>". Ends when nobody reads.
host=$1 port=$2
while :; do
  if greeting=$(timeout 2 bash -c 'exec 3<>"/dev/tcp/$1/$2" && IFS= read -r -t 2 line <&3 && printf %s "${line:0:4}"' look "$host" "$port" 2>/dev/null) \
    && [ "$greeting" = SSH- ]; then
    echo ok || exit 0
  else
    echo "no greeting" || exit 0
  fi
  sleep 1
done
