//! Soft and hard states, and flapping: functions of values. Never looks at deploys, contacts or downtime.

pub mod flap;
pub mod step;
