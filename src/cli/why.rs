//! `why`: what was decided about a host or check, newest first.

use super::out::{Paint, clean};
use crate::{
    adapters::serve::{DecisionView, DeliveryView, WhyView},
    base::time::Timestamp,
    domain::engine::view::ObjectView,
};

/// The decisions as text: one block each.
pub fn render(view: &WhyView, paint: Paint) -> String {
    let mut blocks = vec![headline(view, paint)];
    if view.decisions.is_empty() {
        blocks.push("nothing was decided about it yet: no notification was due".to_owned());
    }
    blocks.extend(view.decisions.iter().map(|decision| block(decision, paint)));
    blocks.join("\n\n") + "\n"
}

fn headline(view: &WhyView, paint: Paint) -> String {
    let object = clean(&view.object);
    match &view.now {
        None => format!("{object} is not configured any more"),
        Some(now) if !now.checked => format!("{object} was not checked yet"),
        Some(now) => format!(
            "{object} is {}{}",
            paint.state(&now.state, 0),
            now_in_words(now)
        ),
    }
}

fn now_in_words(now: &ObjectView) -> String {
    let mut text = format!(
        " ({} {}/{})",
        clean(&now.state_type),
        now.attempt,
        now.max_attempts
    );
    if let Some(since) = &now.last_change {
        text.push_str(&format!(" since {}", clean(since)));
    }
    if !now.output.is_empty() {
        text.push_str(&format!(": {}", clean(&now.output)));
    }
    let flags = [
        now.acknowledged_by
            .as_ref()
            .map(|who| match &now.snoozed_until {
                Some(until) => format!("snoozed by {} until {}", clean(who), clean(until)),
                None => format!("acknowledged by {}", clean(who)),
            }),
        now.in_downtime.then(|| "in downtime".to_owned()),
        now.quiet.as_ref().map(|quiet| clean(quiet)),
        now.flapping
            .then(|| format!("flapping ({:.0} %)", now.flap_percent)),
        (!now.notifications).then(|| "notifications are off".to_owned()),
    ];
    let said = now.said.iter().map(|sentence| clean(sentence));
    for flag in flags.into_iter().flatten().chain(said) {
        text.push_str(&format!("\n    {flag}"));
    }
    text
}

fn block(decision: &DecisionView, paint: Paint) -> String {
    let mut lines = vec![format!(
        "{}  {}  {} {}",
        clean(&decision.at),
        paint.bold(&what(decision)),
        clean(&decision.kind),
        clean(&decision.state)
    )];
    let because = match decision.what.as_str() {
        "held" | "skipped" => "because ",
        _ => "",
    };
    lines.push(format!("    {because}{}", clean(&decision.reason)));
    if !decision.contacts.is_empty() {
        let whom = match &*decision.what {
            "sent" | "amended" | "merged" => "to",
            _ => "would go to",
        };
        lines.push(format!(
            "    {whom} {}",
            clean(&decision.contacts.join(", "))
        ));
    }
    if !decision.left_out.is_empty() {
        let left_out = clean(&decision.left_out.join("; "));
        lines.push(format!("    not told: {left_out}"));
    }
    if let Some(rule) = &decision.rule {
        lines.push(format!("    rule: {}", clean(rule)));
    }
    if !decision.deploys.is_empty() {
        let word = if decision.deploys.len() == 1 {
            "deploy"
        } else {
            "deploys"
        };
        lines.push(format!(
            "    {word} {}",
            clean(&decision.deploys.join(", "))
        ));
    }
    lines.extend(decision.deliveries.iter().flat_map(delivery));
    lines.join("\n")
}

/// The word people look for.
fn what(decision: &DecisionView) -> String {
    match decision.what.as_str() {
        "sent" if decision.kind == "problem" => "PAGED".to_owned(),
        "sent" => "SENT".to_owned(),
        "merged" => "TOLD WITH ANOTHER PAGE".to_owned(),
        "held" => match &decision.until {
            Some(until) => format!("HELD until {}", until_after(until, &decision.at)),
            None => "HELD".to_owned(),
        },
        other => clean(other).to_uppercase(),
    }
}

/// The time alone when it is the same day.
fn until_after(until: &str, at: &str) -> String {
    match Timestamp::parse(until) {
        Some(instant) if until.get(..10) == at.get(..10) => format!("{}Z", instant.clock()),
        _ => clean(until),
    }
}

fn delivery(delivery: &DeliveryView) -> Vec<String> {
    let (contact, channel) = (clean(&delivery.contact), clean(&delivery.channel));
    let tries = match delivery.attempts {
        0 => "not tried yet".to_owned(),
        1 => "at the first try".to_owned(),
        more => format!("after {more} tries"),
    };
    let state = match delivery.state.as_str() {
        "sent" => format!("sent {}{tries}", at(delivery.settled_at.as_ref())),
        "dead" => format!("given up {}{tries}", at(delivery.settled_at.as_ref())),
        _ if delivery.attempts == 0 => tries,
        _ => format!(
            "not sent yet {tries}, next {}",
            at(delivery.next_at.as_ref()).trim_end()
        ),
    };
    let mut lines = vec![format!("    {channel} to {contact}: {state}")];
    for step in delivery.tries.iter().filter(|step| step.result != "sent") {
        let text = step.text.as_deref().unwrap_or("no reason is known");
        lines.push(format!("        {} {}", clean(&step.at), clean(text)));
    }
    if let (true, Some(error)) = (delivery.tries.is_empty(), &delivery.last_error) {
        lines.push(format!("        {}", clean(error)));
    }
    lines
}

fn at(time: Option<&String>) -> String {
    time.map_or_else(String::new, |time| format!("at {} ", clean(time)))
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;
    use crate::adapters::serve::TryView;

    fn text(list: &[&str]) -> Vec<String> {
        list.iter().map(ToString::to_string).collect()
    }

    #[test]
    fn newest_first_with_reasons() {
        let paged = DecisionView {
            at: "2026-03-02T10:10:00Z".into(),
            what: "sent".into(),
            kind: "problem".into(),
            state: "CRITICAL".into(),
            reason: "still CRITICAL at the deadline of its hold".into(),
            contacts: text(&["oncall", "shop"]),
            deploys: text(&["D-417"]),
            deliveries: vec![
                DeliveryView {
                    contact: "oncall".into(),
                    channel: "email".into(),
                    state: "sent".into(),
                    attempts: 2,
                    settled_at: Some("2026-03-02T10:10:02Z".into()),
                    tries: vec![
                        TryView {
                            at: "2026-03-02T10:10:00Z".into(),
                            result: "retry".into(),
                            text: Some("connection refused".into()),
                        },
                        TryView {
                            at: "2026-03-02T10:10:02Z".into(),
                            result: "sent".into(),
                            text: None,
                        },
                    ],
                    ..DeliveryView::default()
                },
                DeliveryView {
                    contact: "shop".into(),
                    channel: "webhook".into(),
                    state: "pending".into(),
                    attempts: 3,
                    next_at: Some("2026-03-02T10:12:00Z".into()),
                    last_error: Some("503 from 127.0.0.1".into()),
                    ..DeliveryView::default()
                },
            ],
            ..DecisionView::default()
        };
        let held = DecisionView {
            at: "2026-03-02T10:07:00Z".into(),
            what: "held".into(),
            kind: "problem".into(),
            state: "CRITICAL".into(),
            reason: "deploy D-417 of shop touches web1 now".into(),
            contacts: text(&["oncall"]),
            until: Some("2026-03-02T10:10:00Z".into()),
            deploys: text(&["D-417"]),
            ..DecisionView::default()
        };
        let skipped = DecisionView {
            at: "2026-03-01T10:07:00Z".into(),
            what: "skipped".into(),
            kind: "problem".into(),
            state: "WARNING".into(),
            reason: "oncall does not want WARNING".into(),
            ..DecisionView::default()
        };
        let view = WhyView {
            object: "web1/http".into(),
            at: "2026-03-02T10:11:00Z".into(),
            now: Some(ObjectView {
                state: "CRITICAL".into(),
                state_type: "HARD".into(),
                attempt: 3,
                max_attempts: 3,
                checked: true,
                last_change: Some("2026-03-02T10:06:30Z".into()),
                output: "HTTP CRITICAL - 502".into(),
                in_downtime: true,
                notifications: true,
                ..ObjectView::default()
            }),
            decisions: vec![paged, held, skipped],
        };
        expect![[r#"
            web1/http is CRITICAL (HARD 3/3) since 2026-03-02T10:06:30Z: HTTP CRITICAL - 502
                in downtime

            2026-03-02T10:10:00Z  PAGED  problem CRITICAL
                still CRITICAL at the deadline of its hold
                to oncall, shop
                deploy D-417
                email to oncall: sent at 2026-03-02T10:10:02Z after 2 tries
                    2026-03-02T10:10:00Z connection refused
                webhook to shop: not sent yet after 3 tries, next at 2026-03-02T10:12:00Z
                    503 from 127.0.0.1

            2026-03-02T10:07:00Z  HELD until 10:10:00Z  problem CRITICAL
                because deploy D-417 of shop touches web1 now
                would go to oncall
                deploy D-417

            2026-03-01T10:07:00Z  SKIPPED  problem WARNING
                because oncall does not want WARNING
        "#]]
        .assert_eq(&render(&view, Paint(false)));
    }

    #[test]
    fn nothing_decided() {
        let view = WhyView {
            object: "web1".into(),
            ..WhyView::default()
        };
        expect![[r#"
            web1 is not configured any more

            nothing was decided about it yet: no notification was due
        "#]]
        .assert_eq(&render(&view, Paint(false)));
    }
}
