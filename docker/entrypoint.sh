#!/bin/sh
# What a container of this image is, by its first word. Each takes the place of this shell, so
# that it is process 1 and hears when it is told to stop; what follows the word is its own.
set -eu
part=$1
shift
case $part in
api)
    # Docker and Kubernetes wait at least ten seconds before they kill.
    exec uvicorn clv.api.main:app --host 0.0.0.0 --port 8000 --no-server-header \
        --timeout-graceful-shutdown 8 "$@"
    ;;
dashboard)
    exec streamlit run /opt/clv/lib/python3*/site-packages/clv/dashboard/start/clv_dashboard.py \
        --server.headless true --server.address 0.0.0.0 --server.port 8501 \
        --server.fileWatcherType none "$@"
    ;;
pipeline) exec clv run "$@" ;;
mlflow) exec mlflow "$@" ;;
*) exec clv "$part" "$@" ;; # init, doctor, promote …
esac
