# Runs on the standby: from now on a new GPU is reached at this address and known by this key. Arguments:
# host, port, key.
pin restore "$1" "$2" "$3"
say outcome ok
