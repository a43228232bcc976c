# ChatFusion as a subject of the neutral load generator. ROOT is this repository, or another version
# of it. chatfusion_default needs CF_ACK=1 in the environment: every message is acknowledged then.
#   SUBJECTS_EXTRA=$ROOT/tests/bench/subjects.sh ADAPTER_EXTRA=$ROOT/tests/bench/adapter_chatfusion.c
cf_env() { env CHATFUSION_RUNTIME_DIR="$RUN/cf-run" "$BUN" "$ROOT/src/cli/main.ts" "$@"; }
cf_serve() { # SERVER CONFIG PORT
  rm -rf "$RUN/cf-$1"; spawn "cf-$1" env CHATFUSION_RUNTIME_DIR="$RUN/cf-run" "$BUN" "$ROOT/src/cli/main.ts" serve \
    --config "$ROOT/tests/bench/$2.config.ts" --data "$RUN/cf-$1" --name "$1" --port "$3" --json
  wait_port "$3"; SPIDS+=${SPIDS:+,}$LAST; SERVERS+="${SERVERS:+ }--server $3=$1"; }
cf_line() { # CONFIG PORT SERVER...: each is merged with the one before it
  PROTO=chatfusion SPIDS='' SERVERS=''
  local config=$1 port=$2 before=''; shift 2
  for name; do
    cf_serve "$name" "$config" "$port"
    [ -z "$before" ] || cf_env merge --server "$name" "127.0.0.1:$before" > "$RUN/cf-merge.log" || return 1
    before=$port port=$((port + 1))
  done; }
cf_subject() { case $1 in # single|pair|chain CONFIG PORT
  single) cf_line "$2" "$3" bench;;
  pair) cf_line "$2" "$(($3 + 1))" "pair-1" "pair-2";;
  chain) cf_line "$2" "$(($3 + 3))" "chain-1" "chain-2" "chain-3";;
  esac; }
subj_chatfusion_bare() { cf_subject "$1" bare 7700; }
subj_chatfusion_default() { [ -n "${CF_ACK:-}" ] && cf_subject "$1" logged 7710; }
