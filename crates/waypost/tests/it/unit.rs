//! The unit for systemd: what it forbids, and that everything works where that is forbidden.

use std::fs;
use std::net::SocketAddr;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

use rustix::process::{Pid, Signal, kill_process};
use waypost_testkit::dialogue::Dialogue;
use waypost_testkit::site::{Plan, Site};
use waypost_testkit::tls::{Authority, starttls};
use waypost_testkit::unit::{Stay, Unit};

use crate::{PROGRAM, message};

/// The id of a user that this machine does not know.
const USER: u32 = 9100;
/// The exposure, in tenths, that `systemd-analyze security` may find.
const EXPOSURE: &str = "14";

fn unit_file() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../etc/waypost.service")
}

fn analyze(arguments: &[&str], file: &Path) -> (bool, String) {
    let output = Command::new("systemd-analyze")
        .args(arguments)
        .arg(file)
        .output()
        .unwrap();
    let said = [output.stdout, output.stderr].concat();
    (
        output.status.success(),
        String::from_utf8_lossy(&said).into_owned(),
    )
}

#[test]
fn systemd_finds_nothing_wrong_with_the_unit() {
    let folder = tempfile::tempdir().unwrap();
    let copy = folder.path().join("waypost.service");
    let text = fs::read_to_string(unit_file()).unwrap();
    // It wants to see the program.
    fs::write(&copy, text.replace("/usr/bin/waypost", PROGRAM)).unwrap();
    let (is_good, said) = analyze(&["verify", "--man=no"], &copy);
    assert!(is_good && said.trim().is_empty(), "{said}");
}

#[test]
fn systemd_finds_the_service_hardly_exposed() {
    let threshold = format!("--threshold={EXPOSURE}");
    let arguments = ["security", "--no-pager", "--offline=true", &threshold];
    let (is_good, said) = analyze(&arguments, &unit_file());
    assert!(is_good, "{said}");
}

/// A site that runs under the limits of the unit, and a folder for its backups.
struct Limited {
    site: Site,
    backups: PathBuf,
}

/// The site starts once without limits, as its first start is that of every test.
fn limited() -> Limited {
    let plan = Plan::new(PROGRAM).unwrap();
    let listen = "smtp = [\"%ADDRESS%:2525\", \"%ADDRESS%:25\"]\nlmtp = [\"%ADDRESS%:2424\"]\n\
                  submission = [\"%ADDRESS%:2587\"]\nminger = [\"%ADDRESS%:4069\"]\n";
    let files = "certificate = \"%DIR%/cert.pem\"\nkey = \"%DIR%/key.pem\"\n";
    let plan = plan.section("listen", listen).site(
        "[[domain]]\nname = \"example.com\"\n\n[[user]]\ndomain = \"example.com\"\n\
         login = \"alice\"\nmail = \"local\"\naddresses = [\"alice@example.com\"]\n",
    );
    let mut site = plan.start().unwrap();
    site.stop().unwrap();
    let dir = site.dir().to_owned();
    let config = dir.join("waypost.toml");
    let text = fs::read_to_string(&config).unwrap();
    let files = files.replace("%DIR%", &dir.display().to_string());
    show_certificate(&site, &Authority::new().unwrap());
    fs::write(&config, format!("{text}\n[tls]\n{files}")).unwrap();
    fs::set_permissions(&dir, fs::Permissions::from_mode(0o755)).unwrap();
    let (mail, backups) = (dir.join("mail"), dir.join("backups"));
    for folder in [&mail, &backups] {
        fs::create_dir_all(folder).unwrap();
    }
    let stay = Stay {
        reads: &[&dir, Path::new(PROGRAM)],
        writes: &[&dir.join("data"), &mail, &backups],
        user: USER,
    };
    let unit = Unit::read(&unit_file()).unwrap();
    let wrapper = unit.wrapper(&stay, &dir).unwrap();
    let wrapper: Vec<&str> = wrapper.iter().map(String::as_str).collect();
    site.launch_under(&wrapper).unwrap();
    Limited { site, backups }
}

/// Puts another certificate, which this authority has signed, where the server looks for it.
fn show_certificate(site: &Site, authority: &Authority) {
    let identity = authority.identity("site.test").unwrap();
    let files = [
        ("cert.pem", identity.certificate_pem),
        ("key.pem", identity.key_pem),
    ];
    for (name, pem) in files {
        let file = site.dir().join(name);
        fs::write(&file, pem).unwrap();
        fs::set_permissions(&file, fs::Permissions::from_mode(0o644)).unwrap();
    }
}

impl Limited {
    /// The server itself, below what built its limits.
    fn pid(&self) -> i32 {
        let above = self.site.pid().unwrap();
        let below = fs::read_to_string(format!("/proc/{above}/task/{above}/children"));
        below.unwrap().trim().parse().unwrap()
    }

    fn signal(&self, signal: Signal) {
        kill_process(Pid::from_raw(self.pid()).unwrap(), signal).unwrap();
    }

    /// A line of what the system says of the process.
    fn status(&self, name: &str) -> String {
        let status = fs::read_to_string(format!("/proc/{}/status", self.pid())).unwrap();
        let line = status.lines().find(|line| line.starts_with(name));
        let value = line.and_then(|line| line.split_once(':')).unwrap().1;
        value.trim().to_owned()
    }
}

#[test]
fn everything_works_under_the_limits_of_the_unit() {
    let mut limited = limited();
    let site = &limited.site;
    // Those of the unit, and no others: an unprivileged user with one capability.
    assert_eq!(limited.status("Uid"), "9100\t9100\t9100\t9100");
    for set in ["CapPrm", "CapEff", "CapBnd", "CapAmb"] {
        assert_eq!(limited.status(set), "0000000000000400", "{set}");
    }
    assert_eq!(limited.status("NoNewPrivs"), "1");
    assert_eq!(limited.status("Seccomp_filters"), "2");
    // Accepts and delivers, on a port below 1024 too.
    for (port, count) in [(2525, 1), (25, 2)] {
        let at = SocketAddr::new(site.address, port);
        let mut client = Dialogue::open(at).unwrap();
        let (_, last) = client
            .submit("carol@example.net", &["alice@example.com"], &message("in"))
            .unwrap();
        assert_eq!(last.unwrap().code, 250);
        site.wait_for_messages("example.com", "alice", count)
            .unwrap();
    }
    // Reloads, and shows another certificate.
    let authority = Authority::new().unwrap();
    let shown = |authority: &Authority| {
        starttls(site.smtp(), "site.test", authority.client().unwrap()).is_ok()
    };
    assert!(!shown(&authority));
    show_certificate(site, &authority);
    limited.signal(Signal::HUP);
    site.wait_for_log(&["reloaded: certificate loaded"])
        .unwrap();
    assert!(shown(&authority));
    // Makes keys, and changes what it knows.
    let printed = site.tell(&["dkim", "add", "example.com"]).unwrap();
    assert!(printed.contains("_domainkey.example.com."), "{printed}");
    site.tell(&["domain", "add", "example.net"]).unwrap();
    // Backs up where it may, and says what is wrong where it may not.
    let place = limited.backups.join("monday").display().to_string();
    site.tell(&["backup", &place]).unwrap();
    assert!(Path::new(&place).join("directory.sqlite").exists());
    let elsewhere = site.dir().join("elsewhere").display().to_string();
    let refusal = format!("{:#}", site.tell(&["backup", &elsewhere]).unwrap_err());
    assert!(refusal.contains("ReadWritePaths"), "{refusal}");
    // Ends by itself, and nothing that it needed was forbidden.
    limited.signal(Signal::TERM);
    limited.site.wait_until_ended().unwrap();
    let log = limited.site.log();
    assert!(log.contains("ended"), "{log}");
    for words in ["Operation not permitted", "Permission denied"] {
        assert!(!log.contains(words), "{log}");
    }
}

/// What a program that was taken over could try.
const TRIED: &str = r#"
import ctypes, errno, mmap, os, socket, sys
libc = ctypes.CDLL(None, use_errno=True)
def outcome(what, do):
    try:
        do()
        print(what, "done")
    except OSError as error:
        print(what, errno.errorcode.get(error.errno, error.errno))
def call(name, *arguments):
    if getattr(libc, name)(*arguments) < 0:
        raise OSError(ctypes.get_errno(), name)
def executable():
    mmap.mmap(-1, 4096, prot=mmap.PROT_WRITE | mmap.PROT_EXEC).close()
folder = sys.argv[1]
outcome("write-system", lambda: open("/etc/waypost-was-here", "w"))
outcome("write-data", lambda: open(folder + "/file", "w"))
outcome("set-id", lambda: os.chmod(folder + "/file", 0o4755))
outcome("packet", lambda: socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0))
outcome("netlink", lambda: socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 0))
outcome("internet", lambda: socket.socket(socket.AF_INET6, socket.SOCK_STREAM).close())
outcome("namespace", lambda: call("unshare", 0x10000000))
outcome("mount", lambda: call("mount", b"none", b"/tmp", b"tmpfs", 0, None))
outcome("trace", lambda: call("ptrace", 16, os.getppid(), 0, 0))
outcome("executable", executable)
outcome("realtime", lambda: os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1)))
outcome("user", lambda: os.setuid(0))
print("others", os.path.exists("/proc/1"))
print("home", len(os.listdir("/root")))
"#;

#[test]
fn what_the_unit_forbids_cannot_be_done() {
    let folder = tempfile::tempdir().unwrap();
    let dir = folder.path();
    fs::set_permissions(dir, fs::Permissions::from_mode(0o755)).unwrap();
    let data = dir.join("data");
    fs::create_dir(&data).unwrap();
    let stay = Stay {
        reads: &[dir],
        writes: &[&data],
        user: USER,
    };
    let wrapper = Unit::read(&unit_file()).unwrap().wrapper(&stay, dir);
    let wrapper = wrapper.unwrap();
    let output = Command::new(&wrapper[0])
        .args(&wrapper[1..])
        .args(["/usr/bin/python3", "-c", TRIED])
        .arg(&data)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let outcomes = String::from_utf8_lossy(&output.stdout).into_owned();
    let wanted = [
        "write-system EROFS",
        "write-data done",
        "set-id EPERM",
        "packet EAFNOSUPPORT",
        "netlink EAFNOSUPPORT",
        "internet done",
        "namespace EPERM",
        "mount EPERM",
        "trace EPERM",
        "executable EPERM",
        "realtime EPERM",
        "user EPERM",
        "others False",
        "home 0",
    ];
    assert_eq!(outcomes.lines().collect::<Vec<_>>(), wanted);
}
