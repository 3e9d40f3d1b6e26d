//! Tells what became of each statement.

use super::{
    attributes::{Fate, fate, header, why_not},
    convert::Converter,
    syntax::{Expr, How, Item, Object, Statement, Top, What},
    value::Value,
    world::KINDS,
};

/// Notes of all items.
pub fn note(converter: &Converter<'_, '_>, items: &[Item]) {
    let unknown = converter.world.globals.unknown.borrow();
    let mut report = converter.report.borrow_mut();
    for (place, why) in unknown.iter() {
        report.dropped(*place, why.clone());
    }
    drop(report);
    for item in items {
        let mut report = converter.report.borrow_mut();
        match &item.what {
            Top::Object(object) if !KINDS.contains(&&*object.kind) => {
                report.dropped(item.place, why_not(&object.kind));
            }
            Top::Object(object) => {
                let to = match object.how {
                    How::Template(_) if ["Host", "Service"].contains(&&*object.kind) => {
                        "[[template]]"
                    }
                    How::Template(_) => "what this template says stands in each table that uses it",
                    _ => header(&object.kind),
                };
                match &object.how {
                    _ if object.kind == "ScheduledDowntime" => {
                        report.dropped(item.place, why_of("ScheduledDowntime", ""));
                    }
                    How::Apply(..) if object.kind == "Service" => {
                        report.changed(item.place, "this rule was for the hosts of today: give new ones the check, or put them into its group");
                    }
                    How::Apply(..) => report.changed(
                        item.place,
                        format!("{to}, for the hosts and services of today"),
                    ),
                    _ => report.kept(item.place, to),
                }
                drop(report);
                statements(converter, object, &object.body);
            }
            Top::Const(..) => report.kept(item.place, "its value, wherever it is used"),
            Top::Include(..) => report.kept(item.place, "include"),
            Top::Other(Statement {
                what: What::Set(Expr::Name(_), ..) | What::Local(..),
                ..
            }) => report.kept(item.place, "its value, wherever it is used"),
            Top::Other(Statement {
                what: What::Unsupported(word),
                ..
            }) => {
                report.dropped(
                    item.place,
                    format!("`{word}` is run by Icinga only: write down what comes of it"),
                );
            }
            Top::Other(Statement {
                what: What::If(..), ..
            }) => {
                report.dropped(
                    item.place,
                    "`if` around objects is run by Icinga only: write down what comes of it",
                );
            }
            Top::Other(_) => report.dropped(item.place, "is run by Icinga only"),
        }
    }
}

fn why_of(kind: &str, attr: &str) -> &'static str {
    match fate(kind, attr) {
        Fate::Kept(text) | Fate::Changed(text) | Fate::Dropped(text) => text,
    }
}

fn statements(converter: &Converter<'_, '_>, object: &Object, body: &[Statement]) {
    let kind = object.kind.as_str();
    let is_known = |statement: &Statement| {
        converter
            .world
            .globals
            .unknown
            .borrow()
            .contains_key(&statement.place)
    };
    for statement in body.iter().filter(|statement| !is_known(statement)) {
        let place = statement.place;
        let mut report = converter.report.borrow_mut();
        match &statement.what {
            What::Import(_) if ["Host", "Service"].contains(&kind) => report.kept(place, "use"),
            What::Import(_) => report.kept(place, "what the template says"),
            What::Rule(..) => match kind {
                "HostGroup" => report.kept(place, "hosts"),
                "ServiceGroup" => report.kept(place, "check_groups of the checks"),
                "Service" => report.kept(place, "hosts, or groups"),
                _ => report.kept(place, "the hosts and services of today"),
            },
            What::Set(left, ..) => {
                let Some(attr) = first(left) else { continue };
                match fate(kind, attr) {
                    Fate::Kept(key) => report.kept(place, key),
                    Fate::Changed(why) => report.changed(place, why),
                    Fate::Dropped(why) => report.dropped(place, why),
                }
            }
            What::Local(..) => report.kept(place, "its value, wherever it is used"),
            What::If(_, then, other) => {
                report.changed(place, "was decided once, for what there is today");
                drop(report);
                statements(converter, object, then);
                statements(converter, object, other);
            }
            // What was never run, in a template that nobody uses.
            What::Do(_) | What::Unsupported(_) => report.dropped(place, "is run by Icinga only"),
        }
    }
}

/// The attribute that is set.
fn first(left: &Expr) -> Option<&str> {
    match left {
        Expr::Name(name) => Some(name),
        Expr::Of(of, key) => match (&**of, &**key) {
            (Expr::Name(this), Expr::Is(Value::Text(name))) if this == "this" => Some(name),
            (of, _) => first(of),
        },
        _ => None,
    }
}
