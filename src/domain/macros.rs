//! Macros: `$HOSTADDRESS$` and kin, expanded before a run.
