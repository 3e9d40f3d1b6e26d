//! A picture as SVG text: words, lines, bars and dots.

use std::fmt::Write as _;

pub const COLOURS: [&str; 6] = [
    "#1b6ca8", "#c0392b", "#2e8b57", "#8e44ad", "#b9770e", "#566573",
];

pub struct Picture {
    text: String,
    width: f64,
    height: f64,
}

impl Picture {
    pub fn new(width: f64, height: f64, title: &str) -> Self {
        let mut picture = Self {
            text: String::new(),
            width,
            height,
        };
        picture.words(width / 2.0, 20.0, "middle", title);
        picture
    }

    fn put(&mut self, words: std::fmt::Arguments<'_>) {
        self.text
            .write_fmt(words)
            .expect("writing to a String cannot fail");
    }

    pub fn words(&mut self, x: f64, y: f64, anchor: &str, words: &str) {
        let words = words
            .replace('&', "&amp;")
            .replace('<', "&lt;")
            .replace('>', "&gt;");
        self.put(format_args!(
            "<text x=\"{x:.1}\" y=\"{y:.1}\" text-anchor=\"{anchor}\">{words}</text>\n"
        ));
    }

    pub fn line(&mut self, [x1, y1, x2, y2]: [f64; 4], colour: &str) {
        self.put(format_args!(
            "<line x1=\"{x1:.1}\" y1=\"{y1:.1}\" x2=\"{x2:.1}\" y2=\"{y2:.1}\" stroke=\"{colour}\"/>\n"
        ));
    }

    pub fn bar(&mut self, [x, y, width, height]: [f64; 4], colour: &str) {
        self.put(format_args!(
            "<rect x=\"{x:.1}\" y=\"{y:.1}\" width=\"{width:.1}\" height=\"{height:.1}\" fill=\"{colour}\"/>\n"
        ));
    }

    pub fn dot(&mut self, x: f64, y: f64, colour: &str) {
        self.put(format_args!(
            "<circle cx=\"{x:.1}\" cy=\"{y:.1}\" r=\"5\" fill=\"{colour}\"/>\n"
        ));
    }

    pub fn done(self) -> String {
        let Self {
            text,
            width,
            height,
        } = self;
        format!(
            "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {width} {height}\" width=\"{width}\" \
             height=\"{height}\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" \
             fill=\"white\"/>\n{text}</svg>\n"
        )
    }
}
