#!/bin/sh
# Sends each change of the Deployments of a namespace: kubernetes-watch.sh NAMESPACE URL TOKEN-FILE
# Wants kubectl with the right to watch deployments, jq and curl. Scaling is no deploy and is not recorded as one.
set -eu
namespace=$1 url=$2 token_file=$3
kubectl get deployments --namespace "$namespace" --watch --output-watch-events --output json |
    jq --compact-output --unbuffered . |
    while IFS= read -r event; do
        printf '%s' "$event" | curl --silent --show-error --fail --retry 5 --output /dev/null \
            --header "X-Deploywatch-Token: $(cat "$token_file")" --header 'Content-Type: application/json' \
            --data-binary @- "$url/v1/hooks/kubernetes" || echo "an event was not taken" >&2
    done
