//! `digest`: what became of a day or a deploy, as the daemon's store tells it.

use super::{
    args::{DigestArgs, Format},
    client::{Client, Trouble},
    out::{Done, Failure, Paint, clean, clean_line, colors, print, print_json},
};
use crate::domain::{
    digest::{self, Digest},
    schedule::Zone,
};

pub async fn digest(args: DigestArgs) -> Done {
    let mut query = form_urlencoded::Serializer::new(String::new());
    for (name, value) in [
        ("deploy", &args.deploy),
        ("day", &args.day),
        ("since", &args.since),
    ] {
        if let Some(value) = value {
            query.append_pair(name, value);
        }
    }
    let client = Client::new(&args.client)?;
    let answer = client.get::<Digest>(&["digest"], &query.finish()).await;
    let digest = match answer {
        Ok(digest) => digest,
        // What was asked for cannot be read: wrong use.
        Err(Trouble::Refused {
            status: 400, text, ..
        }) => return Err(Failure::Usage(text)),
        Err(trouble) => return Err(trouble.into()),
    };
    match args.format.output {
        Format::Json => print_json(&digest)?,
        Format::Text => print(&render(&digest, Paint(colors())))?,
    }
    Ok(0)
}

fn render(digest: &Digest, paint: Paint) -> String {
    let zone = Zone::find(&digest.timezone).unwrap_or_else(|_| Zone::utc());
    let mut text = paint.bold(&clean(&digest::headline(digest))) + "\n";
    for line in digest::lines(digest, &zone) {
        text.push_str(&clean_line(&line));
        text.push('\n');
    }
    text
}
