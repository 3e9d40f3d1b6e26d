//! Joins the engine, the store, the runners, the senders and the API.
