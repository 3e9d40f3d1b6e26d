//! What can be tested of exec without processes: frames, look-up, explanations. The rest is in tests/exec.rs.
