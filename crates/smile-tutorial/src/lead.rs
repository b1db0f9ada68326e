//! What the text before a block says about it.

use crate::info::is_file_like;
use crate::phrase;
use crate::sentence::Sentence;
use crate::step::WriteMode;

/// What the text before a block says about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[expect(clippy::struct_excessive_bools, reason = "independent observations, not states")]
pub(crate) struct Lead {
    /// The words that call the block an output.
    pub(crate) output: Option<&'static str>,
    /// The words that call the block an approximation.
    pub(crate) loose: Option<&'static str>,
    /// The words that announce a failure.
    pub(crate) failure: Option<&'static str>,
    /// The words that make the block something to look at, not to do.
    pub(crate) shown: Option<&'static str>,
    /// The words that put the block under a condition that does not hold.
    pub(crate) unreal: Option<&'static str>,
    /// The words that make the block another way of doing the same.
    pub(crate) another: Option<&'static str>,
    /// The words that call the block a command.
    pub(crate) run: Option<&'static str>,
    /// The words that tell the reader to write the block down.
    pub(crate) write: Option<&'static str>,
    /// The file that is spoken of.
    pub(crate) file: Option<String>,
    /// How the block goes into the file.
    pub(crate) mode: Option<WriteMode>,
    /// The block is to be typed into the program that was just started.
    pub(crate) typed: bool,
    /// The file is spoken of without its name ("the configuration file").
    pub(crate) unnamed_file: bool,
    /// The block holds only a part that is to be changed.
    pub(crate) fragment: bool,
    /// The block holds the file as a whole.
    pub(crate) whole: bool,
    /// The text ends with a colon.
    pub(crate) announces: bool,
}

const OUTPUT: &str = "will appear|should appear|appears|you should see|you'll see|you will see|should print|should output|should produce|\
    should display|should show|should return|should now see|should get|will print|\
    will output|will display|will show|will return|will produce|will give|prints|outputs|\
    displays|returns|produces|responds with|response|output|the result|results in|result is|\
    you get|you'll get|you will get|is printed|are printed|tells us|tells you|\
    should be something like|should respond|get the following|see the following|\
    see something like|see output|see this|shows the following|which gives|gives us|gives:|\
    prints out|yields|print something like|returned|see a message|see an error|\
    see the message|logs|following message|error message|fails with|fail with|\
    following error|this error|an error|would print|would output|would see|would produce|\
    will see something";
const LOOSE: &str = "something like|look similar|looks similar|similar to this|similar to the following|\
    similar output|output similar|similar to below|results similar|resembling|may look|might look|may differ|\
    might differ|will differ|may vary|will vary|roughly|approximately|may be different|\
    might be different|will be different|something along|in my case|on my machine|may see|might see|\
    would see|would print|would look|would output|would produce|random|different numbers|more or less|\
    along the lines|an example of the output|example output|sample output|truncated|abbreviated|\
    your output|depending on";
const FAILURE: &str = "fails|will fail|should fail|fail with|an error|error message|the following error|\
    this error|won't compile|won't work|doesn't work|does not work|will not work|\
    will not compile|doesn't compile|does not compile|is rejected|refuses|complains|crash|\
    crashes|panics|will panic|not allowed|isn't allowed|is refused|are refused|refused|is not possible|is an error|says so|exits with|non-zero|nonzero";
const SHOWN: &str = "looks like|look like|look similar|looks similar|take a look|contains|has been created|\
    was created|has created|will create|creates|created for you|was generated|generated|\
    generates|automatically|is equivalent to|the structure|directory structure|\
    project structure|folder structure|following structure|file structure|following files|\
    shown below|let's look at|let's examine|consider|for reference|as you can see|recall|\
    we saw|is the content|are the contents|defines|let's break|is defined|look at";
const UNREAL: &str = "would have seen|would have|if you had|if we had|had you|if you called|if you ran|\
    if you were|if you wanted|suppose you had|imagine|would have been|instead of writing|\
    instead of typing|instead of running|you'd have to|you would have to|would need to|we'd need to|don't actually|let's say you have|say you have|suppose you have|assume you have|let's assume|don't run|do not run|never run|rather than|\
    you could have|we could have|used to";
const ANOTHER: &str = "alternatively|as an alternative|an alternative|alternative way|another way|or with|\
    or use|or if you|equivalent to|is equivalent|is the same as|the same thing as|same effect as|\
    or you can|or simply|or, if|or via|or using|or, using|or, with|or by|you could also|\
    could also use|instead, you can|you can instead|if you prefer|if you'd rather|or just|\
    or equivalently|equivalently|or more succinctly|or, more succinctly|does the same|do the same|\
    you can also use";
const RUN: &str = "run|execute|type|enter|issue|command|commands|terminal|shell|install|start|launch|\
    invoke|use the following|prompt|build|test it|try it|check|verify|clone|download|\
    running|typing|executing|entering";
const CREATE: &str = "create|creating|make|write|writing|save|saving|put|paste|copy|place|enter the code|\
    enter the following code|type the|type this|type in|new file|a file called|a file named|\
    file called|file named|following content|following contents|with the content|\
    with the contents|define|start with|let's add a file|set up a|populate|fill in|fill|\
    declare|drop";
const CHANGE: &str = "add|adding|insert|update|updating|modify|modifying|change|changing|edit|editing|extend|\
    replace|replacing|adjust|tweak|append|include|refactor|rewrite|uncomment|configure|\
    alter|set the|improve";
const WHOLE: &str = "replace the contents|replace the content|replace its content|replace its contents|\
    replace everything|replace all|replace the code|replace the existing|replace the entire|\
    replace the whole|replace the file|new version|full file|complete file|\
    should now look like|should look like|now looks like|look like this|looks like this|\
    so that it looks|entire file|final version|complete code|full code|the whole file|\
    overwrite|with the following contents|with the following content|rewrite|to look like|\
    to read as follows|contents to";
const END: &str = "to the end of|at the end of|append|to the bottom|at the bottom|end of the file|\
    end of your|as the last line|below the existing";
const FRAGMENT: &str = "the line|this line|line to|a line|the lines|these lines|following line|following lines|\
    the function|the method|section|import|inside|within|just before|just after|right after|\
    above the|below the|at the top|before the|after the|setting|property|field|key";

/// Reads the text before a block, its last sentence above all.
pub(crate) fn read(sentences: &[Sentence]) -> Lead {
    let Some(last) = sentences.last() else { return Lead::default() };
    let tail = sentences.get(sentences.len().saturating_sub(3)..).unwrap_or_default();
    let mut lead = Lead {
        output: last.find(OUTPUT),
        loose: tail.iter().rev().take(2).find_map(|s| s.find(LOOSE)),
        failure: failure(tail),
        shown: last.find(SHOWN),
        unreal: last.find(UNREAL).or_else(|| trouble(last)),
        another: another(last),
        run: last.find(RUN),
        announces: last.announces(),
        ..Lead::default()
    };
    read_file(tail, &mut lead);
    lead
}

/// The words that keep what follows for the case that something went wrong.
fn trouble(sentence: &Sentence) -> Option<&'static str> {
    const STARTS: &str = "if you get|if you see|if you encounter|if you run into|if you receive|if this fails|\
        if that fails|if it fails|if the command fails|if this doesn't|if that doesn't|if it doesn't|\
        if something|if the above|if there is an error|if there's an error|if an error|if it still|\
        if you have trouble|if you have problems|in case of|should you get|should you see";
    STARTS.split('|').find(|start| sentence.text.starts_with(start))
}

/// The words that announce a failure; a failure that only may happen is none.
fn failure(tail: &[Sentence]) -> Option<&'static str> {
    let possible = |sentence: &&Sentence| {
        ["if ", "when ", "in case", "should you", "to avoid", "unless "]
            .iter()
            .any(|start| sentence.text.starts_with(start))
            || sentence.has("if you see|if you get|avoid|prevent|without error|without errors|no error|no errors|may fail|might fail")
    };
    tail.iter().rev().take(2).filter(|sentence| !possible(sentence)).find_map(|s| s.find(FAILURE))
}

fn another(sentence: &Sentence) -> Option<&'static str> {
    let text = sentence.text.as_str();
    if let Some(rest) = text.strip_prefix("or ").or_else(|| text.strip_prefix("or, ")) {
        // "Or, to do something else" is another purpose, not another way.
        return (!rest.starts_with("to ")).then_some("or");
    }
    if matches!(text, "or" | "or:" | "or," | "or …" | "or..." | "- or -") {
        return Some("or");
    }
    sentence.find(ANOTHER)
}

/// Which file the text speaks of, and what the reader is to do with it.
fn read_file(sentences: &[Sentence], lead: &mut Lead) {
    let Some(last) = sentences.last() else { return };
    let mut written = None;
    for sentence in sentences.iter().rev() {
        let creates =
            sentence.find(CREATE).or_else(|| presents(sentence)).filter(|_| !is_reported(sentence));
        let changes = sentence.find(CHANGE).filter(|_| !is_reported(sentence));
        let files = sentence.files();
        // A directory is no file, whatever its name.
        let folder = sentence.has("directory named|directory called|folder named|folder called");
        if let Some(file) =
            pick(&files, sentence).filter(|_| creates.is_some() && !folder || !files.is_empty())
        {
            lead.file.get_or_insert(file);
        }
        if written.is_none() && (creates.is_some() || changes.is_some()) {
            written = Some((creates, changes, sentence));
        }
        if lead.file.is_some() && written.is_some() {
            break;
        }
    }
    let whole = sentences.iter().rev().take(2).any(|s| s.has(WHOLE));
    lead.whole = whole;
    let Some((creates, changes, sentence)) = written else { return };
    lead.write = creates.or(changes);
    lead.fragment = sentence.has(FRAGMENT);
    let line = sentence.has(
        "add the following line|add the following lines|add this line|add these lines|\
         add a line|add the line|add the following entry|add an entry|add these two lines",
    ) && !sentence
        .has("inside|within|before|after|section|object|between|under|above|block|top");
    let ends = sentence.has(END) || last.has(END) || line;
    lead.mode = Some(if ends && !sentence.has("replace") {
        WriteMode::Append
    } else if changes.is_some() && !is_new(sentence) && !whole {
        WriteMode::Merge
    } else {
        WriteMode::Replace
    });
    lead.unnamed_file =
        sentences.iter().rev().take(2).any(|s| s.has("file|code|program|script|example|app|it"));
    lead.typed = sentence.text.starts_with("type ")
        || sentence.has(
            "type the text|type in the|type the following|enter the following text|\
            paste the following|add the following text|enter the text|type this text|\
            type these lines",
        );
}

/// "And this is the `Makefile`": the block below is the file.
fn presents(sentence: &Sentence) -> Option<&'static str> {
    const STARTS: &str = "this is the `|this is our `|this is your `|here is the `|here's the `|here is our `|\
        here's our `|here is your `|here is the full `|here is the complete `|here's the complete `";
    let announces = sentence.announces();
    STARTS
        .split('|')
        .find(|start| announces && sentence.text.contains(start))
        .map(|s| s.trim_end_matches([' ', '`']))
}

/// Whether it tells of what somebody else did: "the command will create", "was created".
fn is_reported(sentence: &Sentence) -> bool {
    sentence.has(
        "will create|has created|was created|were created|creates|created for you|\
            will generate|automatically|generated|already|is created|are created|will make|\
            should have created|you've created|we've created|you created|we created|\
            just created|will add|has added|adds|will write",
    ) && !sentence.text.starts_with("create ")
        && !sentence.text.starts_with("now create ")
}

fn is_new(sentence: &Sentence) -> bool {
    let added = ["add a `", "add an `"].iter().any(|start| {
        let number = sentence.text.split_once(start).and_then(|(_, rest)| rest.split('`').next());
        let code = number.and_then(|n| n.parse::<usize>().ok()).and_then(|n| sentence.codes.get(n));
        code.is_some_and(|code| is_file_like(&code.text))
    });
    added
        || sentence.has(
            "create|new file|a file called|a file named|file named|file called|save this as|\
             save it as|save as|save the following|save your|save this|save that",
        )
}

/// Of several files the one that is written: the first one after the word that tells to write,
/// else the last.
fn pick(files: &[String], sentence: &Sentence) -> Option<String> {
    const BEFORE: &str = "called|named|create|creating|save|into|edit|editing|open|update|modify|make|add|\
        put|new file|change|append|write|to|in";
    for word in BEFORE.split('|') {
        let start = format!("{word} ");
        let mut from = 0;
        while let Some(found) = sentence.text.get(from..).and_then(|rest| rest.find(&start)) {
            let at = from + found;
            from = at + start.len();
            let bounded = at == 0
                || sentence
                    .text
                    .get(..at)
                    .is_some_and(|t| t.ends_with(|c: char| !c.is_alphanumeric()));
            let rest = sentence.text.get(from..).unwrap_or_default();
            let before = sentence.text.get(..at).unwrap_or_default().trim_end();
            let said_file = before.ends_with("file") || before.ends_with("script");
            if bounded && let Some(file) = file_soon(rest, sentence, said_file) {
                return Some(file);
            }
        }
    }
    files.last().cloned()
}

/// The file among the next words, articles and kinds in between.
fn file_soon(rest: &str, sentence: &Sentence, said_file: bool) -> Option<String> {
    const BETWEEN: &str = "a|an|the|your|our|its|new|file|this|it|following|python|text|empty|project's|at|source|root|another|configuration|as|to|called|named|script|small|simple|shell|with";
    let mut said_file = said_file;
    for word in rest.split(' ').take(7) {
        said_file |= matches!(word, "file" | "script");
        if let Some(index) = word.strip_prefix('`').and_then(|w| w.split('`').next()) {
            let code = sentence.codes.get(index.parse::<usize>().ok()?)?;
            let text = code.text.trim_end_matches(':');
            // Where the text says that it is a file, any name will do.
            let named = said_file && is_bare_name(text);
            return (named || is_file_like(text)).then(|| text.to_owned());
        }
        if !phrase::is_one_of(word, BETWEEN) {
            return None;
        }
    }
    None
}

/// `todo`, `run-me`: a name without an extension.
fn is_bare_name(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 80
        && !text.starts_with('-')
        && !text.ends_with('/')
        && text.chars().all(|c| c.is_alphanumeric() || matches!(c, '.' | '_' | '-' | '/' | '~'))
}

/// A paragraph that is nothing but the name of a file, as a caption of the block below.
pub(crate) fn caption(sentences: &[Sentence]) -> Option<String> {
    let [only] = sentences else { return None };
    let mut text = only.raw.trim().trim_matches('*').trim();
    for prefix in ["Filename", "File name", "File", "filename", "file", "In", "in"] {
        if let Some(rest) = text.strip_prefix(prefix)
            && rest.starts_with([':', ' '])
        {
            text = rest.trim_start_matches(':').trim();
            break;
        }
    }
    let text = text.trim_end_matches([':', '.']).trim_matches(['`', '*', '"', '(', ')']);
    is_file_like(text).then(|| text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::page::{Span, Style};
    use crate::sentence::sentences;

    fn lead(text: &str) -> Lead {
        let spans: Vec<Span> = text
            .split('`')
            .enumerate()
            .map(|(index, part)| Span {
                line: 1,
                style: if index % 2 == 1 { Style::Code } else { Style::Plain },
                text: part.to_owned(),
                url: None,
            })
            .collect();
        read(&sentences(&spans))
    }

    #[test]
    fn files_and_how_they_are_written() {
        use WriteMode::{Append, Merge, Replace};
        let check = |text: &str, file: Option<&str>, mode: Option<WriteMode>| {
            let lead = lead(text);
            assert_eq!((lead.file.as_deref(), lead.mode), (file, mode), "{text}");
        };
        check("Create `app/main.py`:", Some("app/main.py"), Some(Replace));
        check("Save this as `a.sh`.", Some("a.sh"), Some(Replace));
        check(
            "Put it in a file called `x.build` in the same folder. Its contents are the following.",
            Some("x.build"),
            Some(Replace),
        );
        check(
            "Create a file named `x.txt` with the following contents:",
            Some("x.txt"),
            Some(Replace),
        );
        check("Add the following to the end of your `x.txt` file:", Some("x.txt"), Some(Append));
        check("Edit `x.yml` and add a `theme` setting:", Some("x.yml"), Some(Merge));
        check("Replace the contents of `x.js` with:", Some("x.js"), Some(Replace));
        check("In `b.py`, change the line to:", Some("b.py"), Some(Merge));
        check("The tool will create `x.lock`:", Some("x.lock"), None);
        check("Add the following line to your `~/.bashrc`:", Some("~/.bashrc"), Some(Append));
        check("Then add a `deps.txt`:", Some("deps.txt"), Some(Replace));
        check(
            "Change the `name` setting in `a.yml` and save the file.",
            Some("a.yml"),
            Some(Merge),
        );
        check("You should see:", None, None);
        check("Create a file called `todo` with this content:", Some("todo"), Some(Replace));
        check("And this is the `Makefile`, mind the tabs:", Some("Makefile"), Some(Replace));
        check("Create a directory named `app`:", None, Some(Replace));
    }

    #[test]
    fn captions() {
        let check = |text: &str, expected: Option<&str>| {
            let spans = [Span { line: 1, style: Style::Plain, text: text.to_owned(), url: None }];
            assert_eq!(caption(&sentences(&spans)).as_deref(), expected, "{text}");
        };
        check("Filename: src/main.rs", Some("src/main.rs"));
        check("app.py:", Some("app.py"));
        check("File `x.txt`", Some("x.txt"));
        check("This is app.py", None);
    }

    #[test]
    fn other_ways() {
        assert!(lead("Alternatively, use pnpm:").another.is_some());
        assert!(lead("Or:").another.is_some());
        assert!(lead("Or, to run a script:").another.is_none());
        assert!(lead("If you had changed it, you would have seen this output:").unreal.is_some());
    }
}
