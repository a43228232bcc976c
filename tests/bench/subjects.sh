# ChatFusion as a subject of the neutral load generator. ROOT is this repository.
# chatfusion_default needs CF_ACK=1 in the environment: every message is acknowledged then.
#   SUBJECTS_EXTRA=$ROOT/tests/bench/subjects.sh ADAPTER_EXTRA=$ROOT/tests/bench/adapter_chatfusion.c
cf_serve() { # NAME CONFIG PORT
  rm -rf "$RUN/cf-$1"; spawn "cf-$1" env CHATFUSION_RUNTIME_DIR="$RUN/cf-run" "$BUN" "$ROOT/src/cli/main.ts" serve \
    --config "$ROOT/tests/bench/$2.config.ts" --data "$RUN/cf-$1" --name bench --port "$3" --json; }
cf_single() { [ "$1" = single ] || return 1; PROTO=chatfusion
  cf_serve "$2" "$2" "$3"; SPIDS=$LAST; SERVERS="--server $3"; wait_port "$3"; }
subj_chatfusion_bare() { cf_single "$1" bare 7700; }
subj_chatfusion_default() { [ -n "${CF_ACK:-}" ] && cf_single "$1" logged 7701; }
