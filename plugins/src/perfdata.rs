//! Performance data as the monitoring-plugins write it.

/// `label=value[unit];warn;crit;min;max` as the plugins' `fperfdata` writes numbers with a fraction: six digits, and an
/// empty field for what is not there; a maximum of None leaves its field out.
pub fn float(
    label: &str,
    value: f64,
    unit: &str,
    warn: Option<f64>,
    crit: Option<f64>,
    min: Option<f64>,
    max: Option<f64>,
) -> String {
    let show = |limit: Option<f64>| limit.map(|limit| format!("{limit:.6}")).unwrap_or_default();
    fields(
        label,
        &format!("{value:.6}{unit}"),
        show(warn),
        show(crit),
        show(min),
        max.map(|max| format!("{max:.6}")),
    )
}

/// The same for whole numbers (`perfdata`), but that the field of the maximum is always there.
pub fn whole(
    label: &str,
    value: i64,
    unit: &str,
    warn: Option<i64>,
    crit: Option<i64>,
    min: Option<i64>,
    max: Option<i64>,
) -> String {
    let show = |limit: Option<i64>| limit.map(|limit| limit.to_string()).unwrap_or_default();
    fields(
        label,
        &format!("{value}{unit}"),
        show(warn),
        show(crit),
        show(min),
        Some(show(max)),
    )
}

fn fields(
    label: &str,
    value: &str,
    warn: String,
    crit: String,
    min: String,
    max: Option<String>,
) -> String {
    // A label with a blank, a quote or an equals sign is quoted.
    let quoted = if label.contains([' ', '\'', '=']) {
        format!("'{label}'")
    } else {
        label.to_owned()
    };
    let mut text = format!("{quoted}={value};{warn};{crit};{min}");
    if let Some(max) = max {
        text.push(';');
        text.push_str(&max);
    }
    text
}
