//! Sends deliveries: e-mail, PagerDuty, Slack, webhook, command.
