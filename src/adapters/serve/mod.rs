//! The HTTP API, /healthz and /metrics.
