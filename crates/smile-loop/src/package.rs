//! Where a missing program comes from on Debian and its relatives.

/// Programs whose package has another name, or that need a remark.
const PACKAGES: &[(&str, &str)] = &[
    ("7z", "p7zip-full"),
    ("ag", "silversearcher-ag"),
    ("ansible-playbook", "ansible"),
    ("apache2ctl", "apache2"),
    ("aws", "awscli"),
    ("bat", "bat"),
    ("bundle", "ruby-bundler"),
    ("c++", "g++"),
    ("cargo", "cargo"),
    ("cc", "gcc"),
    ("clang", "clang"),
    ("cmake", "cmake"),
    ("convert", "imagemagick"),
    ("crontab", "cron"),
    ("ctest", "cmake"),
    ("curl", "curl"),
    ("dig", "dnsutils"),
    ("docker", "docker.io"),
    ("dot", "graphviz"),
    ("emacs", "emacs"),
    ("fdfind", "fd-find"),
    ("ffmpeg", "ffmpeg"),
    ("file", "file"),
    ("g++", "g++"),
    ("gcc", "gcc"),
    ("gdb", "gdb"),
    ("gem", "ruby"),
    ("gfortran", "gfortran"),
    ("git", "git"),
    ("go", "golang-go"),
    ("gpg", "gnupg"),
    ("gunzip", "gzip"),
    ("host", "bind9-host"),
    ("htop", "htop"),
    ("http", "httpie"),
    ("ifconfig", "net-tools"),
    ("ip", "iproute2"),
    ("irb", "ruby"),
    ("jar", "default-jdk"),
    ("java", "default-jre"),
    ("javac", "default-jdk"),
    ("jq", "jq"),
    ("less", "less"),
    ("lua", "lua5.4"),
    ("make", "make"),
    ("man", "man-db"),
    ("meson", "meson"),
    ("mvn", "maven"),
    ("mysql", "default-mysql-client"),
    ("nano", "nano"),
    ("nc", "netcat-openbsd"),
    ("netstat", "net-tools"),
    ("nginx", "nginx"),
    ("ninja", "ninja-build"),
    ("node", "nodejs"),
    ("npm", "npm"),
    ("npx", "npm"),
    ("nslookup", "dnsutils"),
    ("nvim", "neovim"),
    ("pandoc", "pandoc"),
    ("patch", "patch"),
    ("perl", "perl"),
    ("php", "php-cli"),
    ("ping", "iputils-ping"),
    ("pip", "python3-pip"),
    ("pip3", "python3-pip"),
    ("pipx", "pipx"),
    ("pkg-config", "pkg-config"),
    ("ps", "procps"),
    ("psql", "postgresql-client"),
    ("pytest", "python3-pytest"),
    ("python", "python-is-python3"),
    ("python3", "python3"),
    ("rails", "rails"),
    ("redis-cli", "redis-tools"),
    ("rg", "ripgrep"),
    ("rsync", "rsync"),
    ("ruby", "ruby"),
    ("rustc", "rustc"),
    ("scp", "openssh-client"),
    ("screen", "screen"),
    ("sqlite3", "sqlite3"),
    ("ssh", "openssh-client"),
    ("ssh-keygen", "openssh-client"),
    ("ssl", "openssl"),
    ("strace", "strace"),
    ("sudo", "sudo"),
    ("svn", "subversion"),
    ("tmux", "tmux"),
    ("top", "procps"),
    ("tree", "tree"),
    ("unzip", "unzip"),
    ("vi", "vim-tiny"),
    ("vim", "vim"),
    ("virtualenv", "python3-virtualenv"),
    ("watch", "procps"),
    ("wget", "wget"),
    ("xxd", "xxd"),
    ("yarnpkg", "yarnpkg"),
    ("zip", "zip"),
    ("zsh", "zsh"),
    ("telnet", "telnet"),
    ("lsof", "lsof"),
    ("bc", "bc"),
    ("parallel", "parallel"),
    ("fzf", "fzf"),
    ("openssl", "openssl"),
    ("sponge", "moreutils"),
];

/// What else a declared requirement brings along.
const BRINGS: &[(&str, &[&str])] = &[
    ("python", &["python", "python3", "pip", "pip3", "venv"]),
    ("python3", &["python3", "pip3", "pip", "python"]),
    ("pip", &["pip", "pip3"]),
    ("node", &["node", "npm", "npx", "nodejs"]),
    ("nodejs", &["node", "npm", "npx"]),
    ("node.js", &["node", "npm", "npx"]),
    ("npm", &["npm", "npx"]),
    ("rust", &["cargo", "rustc", "rustup"]),
    ("cargo", &["cargo", "rustc"]),
    ("rustup", &["cargo", "rustc", "rustup"]),
    ("go", &["go", "gofmt"]),
    ("golang", &["go", "gofmt"]),
    ("java", &["java", "javac", "jar"]),
    ("jdk", &["java", "javac", "jar"]),
    ("ruby", &["ruby", "gem", "irb", "bundle"]),
    ("docker", &["docker", "docker-compose"]),
    ("gcc", &["gcc", "cc"]),
    ("g++", &["g++", "c++"]),
    ("compiler", &["gcc", "cc", "g++", "c++", "clang"]),
    ("build-essential", &["gcc", "cc", "g++", "c++", "make"]),
    ("cmake", &["cmake", "ctest", "cpack"]),
    ("kubernetes", &["kubectl"]),
    ("ripgrep", &["rg"]),
    ("postgresql", &["psql", "createdb", "pg_ctl"]),
    ("imagemagick", &["convert", "magick", "identify"]),
    ("vim", &["vim", "vi"]),
    ("uv", &["uv", "uvx"]),
    ("yarn", &["yarn", "yarnpkg"]),
];

/// The Debian package that has the program, where known.
pub(crate) fn of_program(program: &str) -> Option<&'static str> {
    PACKAGES.iter().find(|(name, _)| *name == program).map(|(_, package)| *package)
}

/// Whether installing or requiring `name` gives the program.
pub(crate) fn provides(name: &str, program: &str) -> bool {
    let name = name.to_lowercase();
    let program = program.to_lowercase();
    let plain = |text: &str| text.trim_start_matches("python3-").trim_start_matches('@').to_owned();
    if name == program || plain(&name) == program || of_program(&program) == Some(name.as_str()) {
        return true;
    }
    let brings = BRINGS.iter().find(|(has, _)| *has == name);
    brings.is_some_and(|(_, programs)| programs.contains(&program.as_str()))
        || name.strip_suffix("-cli") == Some(program.as_str())
        || name.rsplit('/').next() == Some(program.as_str())
}

/// A program that does the same and goes by another name.
pub(crate) fn stand_in_for(program: &str) -> Option<&'static str> {
    match program {
        "python" | "python2" => Some("python3"),
        "pip" => Some("pip3"),
        "node" => Some("nodejs"),
        "docker-compose" => Some("docker compose"),
        "fd" => Some("fdfind"),
        "bat" => Some("batcat"),
        _ => None,
    }
}

/// Where programs come from that no distribution carries under this name.
pub(crate) fn home_of(program: &str) -> Option<&'static str> {
    Some(match program {
        "uv" | "uvx" => "pip install uv, or its own installer",
        "cargo" | "rustc" | "rustup" => "rustup, or the package cargo",
        "yarn" | "pnpm" => "corepack, or npm install -g",
        "brew" => "Homebrew, which is for macOS",
        "poetry" | "pipenv" | "black" | "ruff" | "tox" | "mkdocs" => "pip or pipx",
        "kubectl" | "helm" | "terraform" | "minikube" => "its own site",
        _ => return None,
    })
}

/// Whether the program opens a file for a person to edit.
pub(crate) fn is_editor(program: &str) -> bool {
    matches!(
        program,
        "nano"
            | "vi"
            | "vim"
            | "nvim"
            | "emacs"
            | "pico"
            | "joe"
            | "micro"
            | "code"
            | "gedit"
            | "subl"
            | "atom"
            | "kate"
            | "ed"
    )
}
