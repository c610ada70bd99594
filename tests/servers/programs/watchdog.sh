#!/bin/sh
# Runs a server that must not outlive whoever started it. When standard input closes, for whatever reason (an orderly end, Ctrl-C, a
# killed test runner), the server is ended and its folder removed.
# Arguments: FOLDER STOP-SIGNAL PROGRAM [ARGUMENT…]. It prints the server's process id, then nothing; the server's output is on standard error.
folder=$1
stop=$2
shift 2

exec 3<&0
"$@" </dev/null >&2 3<&- &
server=$!
echo "$server"

(
  cat <&3 >/dev/null
  touch "$folder/abandoned"
  kill -s "$stop" "$server"
  kill -s CONT "$server"
  sleep 2
  kill -s KILL "$server"
) 2>/dev/null >/dev/null &
watch=$!
exec 3<&-

wait "$server"
status=$?
kill "$watch" 2>/dev/null
[ -e "$folder/abandoned" ] && rm -rf "$folder"
exit "$status"
