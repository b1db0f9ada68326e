//! Second pass: the page as a flat list of headings, texts and blocks, each with its lines.

use std::rc::Rc;

use pulldown_cmark::{
    CodeBlockKind, Event, HeadingLevel, MetadataBlockKind, Options, Parser, Tag, TagEnd,
};

use crate::Lines;
use crate::container::Container;
use crate::info::Info;
use crate::scan::{self, Scan};

/// A page, taken apart.
#[derive(Debug)]
pub(crate) struct Page {
    pub(crate) items: Vec<Item>,
    pub(crate) containers: Vec<Container>,
    pub(crate) directives: Vec<(u32, String)>,
    pub(crate) unclosed: Vec<u32>,
    pub(crate) links: Vec<Link>,
    pub(crate) anchors: Vec<String>,
    pub(crate) title: Option<String>,
}

/// A link or an image.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    pub(crate) url: String,
    pub(crate) lines: Lines,
    pub(crate) image: bool,
}

/// One part of the page.
#[derive(Debug, Clone)]
pub(crate) struct Item {
    pub(crate) lines: Lines,
    pub(crate) kind: ItemKind,
    pub(crate) headings: Rc<[String]>,
    /// Indices into [`Page::containers`], outermost first.
    pub(crate) containers: Vec<usize>,
    /// Inside of a block quote.
    pub(crate) quoted: bool,
    /// Inside of a numbered list.
    pub(crate) numbered: bool,
}

#[derive(Debug, Clone)]
pub(crate) enum ItemKind {
    Heading {
        level: u8,
        text: String,
    },
    Text(Vec<Span>),
    /// A cell of a table: read for links only.
    Cell,
    Code(Code),
}

/// A stretch of running text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Span {
    pub(crate) line: u32,
    pub(crate) style: Style,
    pub(crate) text: String,
    /// Where it leads, for a link.
    pub(crate) url: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Style {
    Plain,
    Code,
    Emphasis,
}

/// A block of code.
#[derive(Debug, Clone)]
pub(crate) struct Code {
    pub(crate) info: Info,
    pub(crate) shape: Shape,
    /// The line of the first line of the content.
    pub(crate) first: u32,
    pub(crate) content: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Shape {
    Fenced,
    Indented,
    Preformatted,
}

impl Page {
    pub(crate) fn read(text: &str) -> Self {
        let mut scan = scan::scan(text);
        let clean = std::mem::take(&mut scan.clean);
        let mut reader = Reader::new(&clean, std::mem::take(&mut scan.anchors));
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_STRIKETHROUGH
            | Options::ENABLE_HEADING_ATTRIBUTES
            | Options::ENABLE_YAML_STYLE_METADATA_BLOCKS;
        for (event, range) in Parser::new_ext(&clean, options).into_offset_iter() {
            reader.event(event, range);
        }
        reader.finish(scan)
    }
}

struct Reader<'a> {
    clean: &'a str,
    /// The offset at which each line starts.
    starts: Vec<usize>,
    items: Vec<Item>,
    links: Vec<Link>,
    anchors: Vec<String>,
    title: Option<String>,
    headings: Vec<(u8, String)>,
    path: Rc<[String]>,
    quotes: usize,
    /// For each list that is open whether it is numbered.
    lists: Vec<bool>,
    cells: bool,
    spans: Vec<Span>,
    style: Vec<Style>,
    urls: Vec<String>,
    heading: Option<(u8, u32)>,
    code: Option<OpenCode>,
    metadata: bool,
    metadata_text: String,
    html: Option<(u32, String)>,
}

struct OpenCode {
    raw: String,
    fenced: bool,
    line: u32,
    first: Option<u32>,
    text: String,
}

impl<'a> Reader<'a> {
    fn new(clean: &'a str, anchors: Vec<String>) -> Self {
        let starts = std::iter::once(0)
            .chain(clean.bytes().enumerate().filter(|(_, b)| *b == b'\n').map(|(at, _)| at + 1))
            .collect();
        Self {
            clean,
            starts,
            items: Vec::new(),
            links: Vec::new(),
            anchors,
            title: None,
            headings: Vec::new(),
            path: Rc::from([]),
            quotes: 0,
            lists: Vec::new(),
            cells: false,
            spans: Vec::new(),
            style: Vec::new(),
            urls: Vec::new(),
            heading: None,
            code: None,
            metadata: false,
            metadata_text: String::new(),
            html: None,
        }
    }

    fn line(&self, offset: usize) -> u32 {
        let at = self.starts.partition_point(|start| *start <= offset);
        u32::try_from(at.max(1)).unwrap_or(u32::MAX)
    }

    /// The lines of a range of bytes, a final newline not counted.
    fn lines(&self, range: &std::ops::Range<usize>) -> Lines {
        let text = self.clean.get(range.clone()).unwrap_or_default();
        let end = range.start + text.trim_end().len();
        Lines::new(self.line(range.start), self.line(end.saturating_sub(1).max(range.start)))
    }

    fn event(&mut self, event: Event<'_>, range: std::ops::Range<usize>) {
        match event {
            Event::Start(tag) => self.start(tag, &range),
            Event::End(tag) => self.end(tag, &range),
            Event::Text(text) => self.text(&text, range.start),
            Event::Code(text) => self.span(range.start, Style::Code, &text),
            Event::SoftBreak | Event::HardBreak => self.span(range.start, Style::Plain, " "),
            Event::Html(html) => self.html_line(&html, range.start),
            Event::InlineHtml(html) => self.inline_html(&html, range.start),
            Event::FootnoteReference(_)
            | Event::Rule
            | Event::TaskListMarker(_)
            | Event::InlineMath(_)
            | Event::DisplayMath(_) => {}
        }
    }

    fn start(&mut self, tag: Tag<'_>, range: &std::ops::Range<usize>) {
        match tag {
            Tag::Heading { level, id, .. } => {
                self.flush_text();
                self.heading = Some((depth(level), self.line(range.start)));
                if let Some(id) = id {
                    self.anchors.push(id.to_string());
                }
            }
            Tag::CodeBlock(kind) => {
                self.flush_text();
                let (raw, fenced) = match kind {
                    CodeBlockKind::Fenced(info) => (info.to_string(), true),
                    CodeBlockKind::Indented => (String::new(), false),
                };
                let line = self.line(range.start);
                self.code = Some(OpenCode { raw, fenced, line, first: None, text: String::new() });
            }
            Tag::BlockQuote(_) => {
                self.flush_text();
                self.quotes += 1;
            }
            Tag::List(start) => {
                self.flush_text();
                self.lists.push(start.is_some());
            }
            Tag::Paragraph | Tag::Item | Tag::TableHead | Tag::TableRow => {
                self.flush_text();
            }
            Tag::TableCell => {
                self.flush_text();
                self.cells = true;
            }
            Tag::HtmlBlock => {
                self.flush_text();
                self.html = Some((self.line(range.start), String::new()));
            }
            Tag::Emphasis | Tag::Strong => self.style.push(Style::Emphasis),
            Tag::Link { dest_url, .. } => {
                let lines = self.lines(range);
                self.links.push(Link { url: dest_url.to_string(), lines, image: false });
                self.urls.push(dest_url.to_string());
            }
            Tag::Image { dest_url, .. } => {
                let lines = self.lines(range);
                self.links.push(Link { url: dest_url.to_string(), lines, image: true });
                self.style.push(Style::Plain);
            }
            Tag::MetadataBlock(MetadataBlockKind::YamlStyle | MetadataBlockKind::PlusesStyle) => {
                self.metadata = true;
            }
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd, range: &std::ops::Range<usize>) {
        match tag {
            TagEnd::Heading(_) => self.end_heading(range),
            TagEnd::CodeBlock => self.end_code(range),
            TagEnd::BlockQuote(_) => {
                self.flush_text();
                self.quotes = self.quotes.saturating_sub(1);
            }
            TagEnd::List(_) => {
                self.flush_text();
                self.lists.pop();
            }
            TagEnd::Paragraph | TagEnd::Item => self.flush_text(),
            TagEnd::TableCell => {
                self.flush_text();
                self.cells = false;
            }
            TagEnd::HtmlBlock => self.end_html(),
            TagEnd::Emphasis | TagEnd::Strong | TagEnd::Image => drop(self.style.pop()),
            TagEnd::Link => drop(self.urls.pop()),
            TagEnd::MetadataBlock(_) => {
                self.metadata = false;
                self.title = self.title.take().or_else(|| metadata_title(&self.metadata_text));
            }
            _ => {}
        }
    }

    fn text(&mut self, text: &str, offset: usize) {
        if self.metadata {
            self.metadata_text.push_str(text);
            return;
        }
        let line = self.line(offset);
        if let Some(code) = &mut self.code {
            code.first.get_or_insert(line);
            code.text.push_str(text);
            return;
        }
        let style = self.style.last().copied().unwrap_or(Style::Plain);
        self.span(offset, style, text);
    }

    fn span(&mut self, offset: usize, style: Style, text: &str) {
        let line = self.line(offset);
        let url = self.urls.last().cloned();
        self.spans.push(Span { line, style, text: text.to_owned(), url });
    }

    fn inline_html(&mut self, html: &str, offset: usize) {
        for name in ["id", "name"] {
            if let Some(anchor) = scan::attribute(html, name) {
                self.anchors.push(anchor);
            }
        }
        self.html_links(html, offset);
        // Stand-ins such as `<your-host>` read as tags; they are text.
        let stripped = crate::html::strip(html);
        if html.eq_ignore_ascii_case("<code>") {
            self.style.push(Style::Code);
        } else if html.eq_ignore_ascii_case("</code>") {
            self.style.pop();
        } else if !stripped.is_empty() {
            self.span(offset, Style::Plain, &stripped);
        }
    }

    fn html_line(&mut self, html: &str, offset: usize) {
        self.html_links(html, offset);
        if let Some((_, text)) = &mut self.html {
            text.push_str(html);
        }
    }

    fn html_links(&mut self, html: &str, offset: usize) {
        let lines = Lines::one(self.line(offset));
        for (tag, name, image) in [("<img", "src", true), ("<a ", "href", false)] {
            for part in html.split(tag).skip(1) {
                if let Some(url) = scan::attribute(part.split('>').next().unwrap_or(part), name) {
                    self.links.push(Link { url, lines, image });
                }
            }
        }
    }

    fn end_html(&mut self) {
        let Some((line, html)) = self.html.take() else { return };
        for part in html.split('<').skip(1) {
            for name in ["id", "name"] {
                if let Some(anchor) = scan::attribute(part.split('>').next().unwrap_or(part), name)
                {
                    self.anchors.push(anchor);
                }
            }
        }
        for (index, row) in html.lines().enumerate() {
            let mut style = Style::Plain;
            let row = row.replace("</code>", "\u{1}").replace("<code>", "\u{1}");
            for part in row.split('\u{1}') {
                let text = crate::html::strip(part);
                if !text.trim().is_empty() {
                    let line = line.saturating_add(u32::try_from(index).unwrap_or(u32::MAX));
                    self.spans.push(Span { line, style, text, url: None });
                }
                style = if style == Style::Plain { Style::Code } else { Style::Plain };
            }
            self.spans.push(Span { line, style: Style::Plain, text: " ".to_owned(), url: None });
        }
        self.flush_text();
    }

    fn flush_text(&mut self) {
        if self.heading.is_some() {
            return;
        }
        let spans = std::mem::take(&mut self.spans);
        let written = spans.iter().filter(|span| !span.text.trim().is_empty());
        let (Some(first), Some(last)) =
            (written.clone().map(|s| s.line).min(), written.map(|s| s.line).max())
        else {
            return;
        };
        let kind = if self.cells { ItemKind::Cell } else { ItemKind::Text(spans) };
        self.item(Lines::new(first, last), kind);
    }

    fn end_heading(&mut self, range: &std::ops::Range<usize>) {
        let Some((level, first)) = self.heading.take() else { return };
        let spans = std::mem::take(&mut self.spans);
        let text: String = spans.iter().map(|span| span.text.as_str()).collect();
        let text = text.trim().to_owned();
        while self.headings.last().is_some_and(|(above, _)| *above >= level) {
            self.headings.pop();
        }
        self.headings.push((level, text.clone()));
        self.path = self.headings.iter().map(|(_, text)| text.clone()).collect();
        self.title.get_or_insert_with(|| text.clone());
        self.anchors.push(slug(&text));
        let last = self.lines(range).last.max(first);
        self.item(Lines::new(first, last), ItemKind::Heading { level, text });
    }

    fn end_code(&mut self, range: &std::ops::Range<usize>) {
        let Some(code) = self.code.take() else { return };
        let mut lines = self.lines(range);
        lines.first = code.line;
        lines.last = lines.last.max(code.line);
        let first = match (code.fenced, code.first) {
            (true, _) => code.line + 1,
            (false, Some(first)) => first,
            (false, None) => code.line,
        };
        let mut content: Vec<String> = code.text.split('\n').map(ToOwned::to_owned).collect();
        if content.last().is_some_and(String::is_empty) {
            content.pop();
        }
        let shape = if code.fenced { Shape::Fenced } else { Shape::Indented };
        let info = Info::read(&code.raw);
        self.item(lines, ItemKind::Code(Code { info, shape, first, content }));
    }

    fn item(&mut self, lines: Lines, kind: ItemKind) {
        self.items.push(Item {
            lines,
            kind,
            headings: Rc::clone(&self.path),
            containers: Vec::new(),
            quoted: self.quotes > 0,
            numbered: self.lists.last() == Some(&true),
        });
    }

    fn finish(mut self, scan: Scan) -> Page {
        self.flush_text();
        let mut items = self.items;
        for block in scan.preformatted {
            let at = items.partition_point(|item| item.lines.first < block.lines.first);
            // Inside of another block it is that block's text.
            let inside =
                at.checked_sub(1).and_then(|before| items.get(before)).is_some_and(|before| {
                    matches!(before.kind, ItemKind::Code(_)) && before.lines.overlaps(block.lines)
                });
            if inside {
                continue;
            }
            let headings = match at.checked_sub(1).and_then(|before| items.get(before)) {
                Some(before) => Rc::clone(&before.headings),
                None => Rc::from([]),
            };
            let code = Code {
                info: Info::default(),
                shape: Shape::Preformatted,
                first: block.first,
                content: block.content,
            };
            items.insert(
                at,
                Item {
                    lines: block.lines,
                    kind: ItemKind::Code(code),
                    headings,
                    containers: Vec::new(),
                    quoted: false,
                    numbered: false,
                },
            );
        }
        for item in &mut items {
            item.containers = scan
                .containers
                .iter()
                .enumerate()
                .filter(|(_, container)| container.lines.overlaps(Lines::one(item.lines.first)))
                .map(|(index, _)| index)
                .collect();
        }
        Page {
            items,
            containers: scan.containers,
            directives: scan.directives,
            unclosed: scan.unclosed,
            links: self.links,
            anchors: self.anchors,
            title: self.title,
        }
    }
}

fn depth(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

fn metadata_title(text: &str) -> Option<String> {
    let value = text.lines().find_map(|line| line.strip_prefix("title:"))?;
    let value = value.trim().trim_matches(['"', '\'']).to_owned();
    (!value.is_empty()).then_some(value)
}

/// The anchor that renderers give to a heading.
pub(crate) fn slug(text: &str) -> String {
    text.chars()
        .filter_map(|c| match c {
            ' ' => Some('-'),
            '-' | '_' => Some(c),
            _ if c.is_alphanumeric() => Some(c.to_ascii_lowercase()),
            _ => None,
        })
        .collect()
}
