//! Command lines read by this crate and by `smtp-proto`: where both claim to understand a line,
//! they understand the same.

use proptest::prelude::*;
use smtp_proto::Request;
use waypost_proto::mail::{ForwardPath, ReversePath};
use waypost_proto::smtp::command::{Command, Malformed};
use waypost_proto::smtp::params::{Body, MailParams, ParamError, RcptParams, Ret};

fn theirs(line: &str) -> Option<Request<String>> {
    let wire = format!("{line}\r\n");
    let parsed = Request::parse(&mut wire.as_bytes().iter());
    parsed.ok().map(Request::into_owned)
}

fn mail_flags(params: &MailParams, said_7bit: bool) -> u64 {
    let body = match params.body {
        Body::EightBitMime => smtp_proto::MAIL_BODY_8BITMIME,
        Body::SevenBit if said_7bit => smtp_proto::MAIL_BODY_7BIT,
        Body::SevenBit => 0,
    };
    let ret = match params.ret {
        Some(Ret::Full) => smtp_proto::MAIL_RET_FULL,
        Some(Ret::Headers) => smtp_proto::MAIL_RET_HDRS,
        None => 0,
    };
    let smtputf8 = if params.smtputf8 {
        smtp_proto::MAIL_SMTPUTF8
    } else {
        0
    };
    body | ret | smtputf8
}

fn rcpt_flags(params: &RcptParams) -> u64 {
    let Some(notify) = params.notify else {
        return 0;
    };
    let flags = [
        (notify.success, smtp_proto::RCPT_NOTIFY_SUCCESS),
        (notify.failure, smtp_proto::RCPT_NOTIFY_FAILURE),
        (notify.delay, smtp_proto::RCPT_NOTIFY_DELAY),
    ];
    let asked = flags
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, flag)| flag)
        .sum();
    if asked == 0 {
        smtp_proto::RCPT_NOTIFY_NEVER
    } else {
        asked
    }
}

fn same(line: &str, ours: &Command<'_>, theirs: &Request<String>) -> bool {
    match (ours, theirs) {
        (
            Command::Bdat { size, last },
            Request::Bdat {
                chunk_size,
                is_last,
            },
        ) => *size == *chunk_size as u64 && last == is_last,
        (Command::Data, Request::Data)
        | (Command::Expn, Request::Expn { .. })
        | (Command::Help, Request::Help { .. })
        | (Command::Noop, Request::Noop { .. })
        | (Command::Quit, Request::Quit)
        | (Command::Rset, Request::Rset)
        | (Command::StartTls, Request::StartTls)
        | (Command::Auth { .. }, Request::Auth { .. })
        | (Command::Vrfy, Request::Vrfy { .. }) => true,
        (Command::Ehlo(name), Request::Ehlo { host })
        | (Command::Helo(name), Request::Helo { host })
        // Whether words may follow the name is decided later here, and not at all there.
        | (Command::Lhlo(name), Request::Lhlo { host }) => name.split(' ').next() == Some(host),
        (
            Command::Mail {
                reverse_path,
                params,
            },
            Request::Mail { from },
        ) => {
            let address = match reverse_path {
                ReversePath::Null => String::new(),
                ReversePath::Mailbox(mailbox) => mailbox.to_string(),
            };
            let size = params.size.unwrap_or(0);
            address == plain(&from.address)
                && size == from.size as u64
                && params.envid.as_ref().map(|e| e.as_str()) == from.env_id.as_deref()
                && mail_flags(params, line.to_uppercase().contains("=7BIT")) == from.flags
        }
        (
            Command::Rcpt {
                forward_path,
                params,
            },
            Request::Rcpt { to },
        ) => {
            let address = match forward_path {
                ForwardPath::Postmaster => "postmaster".to_owned(),
                ForwardPath::Mailbox(mailbox) => mailbox.to_string(),
            };
            let orcpt = params.orcpt.as_ref().map(|o| o.address.as_str());
            address == plain(&to.address)
                && orcpt == to.orcpt.as_deref()
                && rcpt_flags(params) == to.flags
        }
        _ => false,
    }
}

/// Addresses compare with the domain in lower case, as kept here.
fn plain(address: &str) -> String {
    match address.rsplit_once('@') {
        Some((local, domain)) => format!("{local}@{}", domain.to_lowercase()),
        None => address.to_owned(),
    }
}

fn line() -> impl Strategy<Value = String> {
    let address = "[a-z0-9+=!#_-]{1,6}(\\.[a-z0-9]{1,4}){0,2}@[A-Za-z0-9]{1,5}(\\.[a-z]{1,4}){1,2}";
    let mail_param = prop_oneof![
        (0u64..1 << 40).prop_map(|n| format!(" SIZE={n}")),
        Just(" BODY=8BITMIME".to_owned()),
        Just(" body=7bit".to_owned()),
        Just(" SMTPUTF8".to_owned()),
        Just(" RET=FULL".to_owned()),
        Just(" RET=HDRS".to_owned()),
        "( ENVID=[a-z0-9]{1,5}(\\+2B|\\+3D)?[a-z]{0,3})",
        Just(" AUTH=<>".to_owned()),
    ];
    let rcpt_param = prop_oneof![
        Just(" NOTIFY=NEVER".to_owned()),
        Just(" NOTIFY=SUCCESS,FAILURE".to_owned()),
        Just(" notify=delay".to_owned()),
        "( ORCPT=rfc822;[a-z]{1,5}(\\+2B)?@[a-z]{1,5})",
    ];
    prop_oneof![
        (address, prop::collection::vec(mail_param, 0..4))
            .prop_map(|(a, p)| format!("MAIL FROM:<{a}>{}", p.concat())),
        (address, prop::collection::vec(rcpt_param, 0..3))
            .prop_map(|(a, p)| format!("rcpt to:<{a}>{}", p.concat())),
        Just("MAIL FROM:<>".to_owned()),
        "(EHLO|HELO|LHLO) [a-z0-9.-]{1,20}",
        "(DATA|RSET|QUIT|NOOP|HELP|STARTTLS)",
        "BDAT [0-9]{1,9}( LAST)?",
        "AUTH (PLAIN|LOGIN)( [A-Za-z0-9]{4,8})?",
    ]
}

proptest! {
    #[test]
    fn both_read_ordinary_commands_the_same(line in line()) {
        let theirs = theirs(&line);
        match Command::parse(line.as_bytes()) {
            Ok(ours) => {
                let theirs = theirs.expect("read here, not there");
                prop_assert!(same(&line, &ours, &theirs), "{ours:?} {theirs:?}");
            }
            // A parameter given twice is refused here only.
            Err(wrong) => prop_assert_eq!(wrong, Malformed::Param(ParamError::Duplicate)),
        }
    }

    #[test]
    fn what_both_read_in_a_damaged_command_is_the_same(
        line in line(), at in any::<prop::sample::Index>(), byte in "[ -~]"
    ) {
        let mut damaged = line.into_bytes();
        let at = at.index(damaged.len());
        damaged[at] = byte.as_bytes()[0];
        let line = String::from_utf8(damaged).unwrap();
        if let (Ok(ours), Some(theirs)) = (Command::parse(line.as_bytes()), theirs(&line)) {
            prop_assert!(same(&line, &ours, &theirs), "{line:?} {ours:?} {theirs:?}");
        }
    }

    #[test]
    fn printed_commands_read_back(line in line()) {
        if let Ok(command) = Command::parse(line.as_bytes()) {
            let printed = command.to_string();
            prop_assert_eq!(Command::parse(printed.as_bytes()), Ok(command));
        }
    }
}
