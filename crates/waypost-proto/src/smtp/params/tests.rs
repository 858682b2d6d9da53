use proptest::prelude::*;

use super::*;

fn orcpt(value: &str) -> Option<Orcpt> {
    RcptParams::parse(&format!(" ORCPT={value}")).ok()?.orcpt
}

#[test]
fn reads_every_parameter_of_mail() {
    let params = MailParams::parse(
        " size=1024 BODY=8BITMIME SMTPUTF8 RET=hdrs ENVID=a+2Bb AUTH=e+3Dmc2@example.com",
    )
    .unwrap();
    assert_eq!(params.size, Some(1024));
    assert_eq!(params.body, Body::EightBitMime);
    assert!(params.smtputf8);
    assert_eq!(params.ret, Some(Ret::Headers));
    assert_eq!(params.envid.as_ref().unwrap().as_str(), "a+b");
    let printed = " SIZE=1024 BODY=8BITMIME SMTPUTF8 RET=HDRS ENVID=a+2Bb";
    assert_eq!(params.to_string(), printed);
    assert_eq!(MailParams::parse("").unwrap(), MailParams::default());
    assert_eq!(
        MailParams::parse(" BODY=7bit AUTH=<>  ").unwrap(),
        MailParams::default()
    );
}

#[test]
fn tells_unknown_duplicate_and_malformed_parameters_apart() {
    use ParamError::{Duplicate, Syntax, Unknown};
    for (text, error) in [
        (" FOO", Unknown),
        (" FOO=bar", Unknown),
        (" BODY=BINARYMIME", Unknown),
        (" NOTIFY=NEVER", Unknown),
        (" SIZE=1 SIZE=1", Duplicate),
        (" BODY=7BIT BODY=8BITMIME", Duplicate),
        (" SMTPUTF8 SMTPUTF8", Duplicate),
        (" AUTH=<> AUTH=<>", Duplicate),
        ("SIZE=1", Syntax),
        (" SIZE", Syntax),
        (" SIZE=", Syntax),
        (" SIZE=-1", Syntax),
        (" SIZE=1k", Syntax),
        (" SIZE=123456789012345678901", Syntax),
        (" BODY=9BIT", Syntax),
        (" BODY", Syntax),
        (" SMTPUTF8=yes", Syntax),
        (" RET=SOME", Syntax),
        (" ENVID=a+0D+0Ab", Syntax),
        (" ENVID=+ZZ", Syntax),
        (" ENVID=a+2", Syntax),
        (" AUTH=+q", Syntax),
        (" =x", Syntax),
        (" -A=x", Syntax),
        (" FOO=a=b", Syntax),
        (" FOO=\t", Syntax),
        (" F\u{fc}=a", Syntax),
    ] {
        assert_eq!(MailParams::parse(text), Err(error), "{text:?}");
    }
    for (text, error) in [
        (" SIZE=1", Unknown),
        (" NOTIFY=NEVER NOTIFY=NEVER", Duplicate),
        (" ORCPT=rfc822;a@b ORCPT=rfc822;a@b", Duplicate),
        (" NOTIFY=NEVER,SUCCESS", Syntax),
        (" NOTIFY=", Syntax),
        (" NOTIFY=SUCCESS,", Syntax),
        (" ORCPT=a@b", Syntax),
        (" ORCPT=;a@b", Syntax),
        (" ORCPT=rfc822;", Syntax),
        (" ORCPT=rfc 822;a@b", Syntax),
        (" ORCPT=rfc822;a+0Ab", Syntax),
        (" ORCPT=rfc822;j+FCrgen@b", Syntax),
        (" ORCPT=rfc822;j\u{fc}rgen@b", Syntax),
        (" ORCPT=utf-8;a\\x{0A}b", Syntax),
        (" ORCPT=utf-8;a\\x{110000}b", Syntax),
        (" ORCPT=utf-8;a\\x{}b", Syntax),
        (" ORCPT=utf-8;a\\x{+41}b", Syntax),
        (" ORCPT=utf-8;a\\", Syntax),
    ] {
        assert_eq!(RcptParams::parse(text), Err(error), "{text:?}");
    }
}

#[test]
fn a_size_beyond_counting_is_the_largest() {
    let params = MailParams::parse(" SIZE=99999999999999999999").unwrap();
    assert_eq!(params.size, Some(u64::MAX));
}

#[test]
fn envid_and_orcpt_are_limited_in_length() {
    let envid = |n| MailParams::parse(&format!(" ENVID={}", "x".repeat(n)));
    assert!(envid(100).is_ok());
    assert_eq!(envid(101), Err(ParamError::Syntax));
    assert!(orcpt(&format!("rfc822;{}", "x".repeat(493))).is_some());
    assert_eq!(orcpt(&format!("rfc822;{}", "x".repeat(494))), None);
}

#[test]
fn reads_and_prints_every_notify() {
    for text in ["NEVER", "SUCCESS", "SUCCESS,FAILURE,DELAY", "FAILURE,DELAY"] {
        let params = RcptParams::parse(&format!(" NOTIFY={}", text.to_lowercase())).unwrap();
        assert_eq!(params.to_string(), format!(" NOTIFY={text}"));
    }
}

#[test]
fn reads_original_recipients_in_every_encoding_and_prints_them_in_ascii() {
    for (wire, address, printed) in [
        (
            "rfc822;bob@example.com",
            "bob@example.com",
            "rfc822;bob@example.com",
        ),
        ("rfc822;a+2Bb@c", "a+b@c", "rfc822;a+2Bb@c"),
        (
            "utf-8;j\u{fc}rgen@c",
            "j\u{fc}rgen@c",
            "utf-8;j\\x{FC}rgen@c",
        ),
        (
            "UTF-8;j\\x{FC}rgen@c",
            "j\u{fc}rgen@c",
            "UTF-8;j\\x{FC}rgen@c",
        ),
        // As Postfix writes it.
        (
            "rfc822;j+C3+BCrgen@c",
            "j\u{fc}rgen@c",
            "utf-8;j\\x{FC}rgen@c",
        ),
        (
            "utf-8;a\\x{2B}b\\x{5C}@c",
            "a+b\\@c",
            "utf-8;a\\x{2B}b\\x{5C}@c",
        ),
        ("utf-8;a+b@c", "a+b@c", "utf-8;a\\x{2B}b@c"),
        ("utf-8;\\x{1F4EE}@c", "\u{1f4ee}@c", "utf-8;\\x{1F4EE}@c"),
        ("x400;/c+3Dus", "/c=us", "x400;/c+3Dus"),
    ] {
        let read = orcpt(wire).unwrap();
        assert_eq!(read.address.as_str(), address, "{wire}");
        assert_eq!(read.to_string(), printed, "{wire}");
        assert_eq!(orcpt(printed), Some(read), "{printed}");
    }
}

proptest! {
    #[test]
    fn what_is_read_prints_and_reads_back(
        text in "( (SIZE|BODY|RET|ENVID|AUTH|SMTPUTF8|X)(=[ -~é\\\\+]{0,8})?){0,3}"
    ) {
        if let Ok(params) = MailParams::parse(&text) {
            prop_assert_eq!(MailParams::parse(&params.to_string()), Ok(params));
        }
    }

    #[test]
    fn every_original_recipient_prints_in_ascii_and_reads_back(
        (kind, address) in prop_oneof![
            ("utf-8", "\\PC{1,30}"),
            ("rfc822", "[ -~]{1,30}"),
        ]
    ) {
        let address = Xtext::from_decoded(&address).unwrap();
        let written = Orcpt { kind: kind.into(), address };
        let wire = written.to_string();
        prop_assert!(wire.bytes().all(|b| b.is_ascii_graphic()));
        prop_assert_eq!(orcpt(&wire), Some(written));
    }
}
