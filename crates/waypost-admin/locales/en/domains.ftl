domains-title = Supervised domains
domains-lead = The mail domains that this server decides about.
domains-none = No domain yet.
domains-none-found = No domain has this in one of its names.
domains-new = New domain
domains-new-lead = Everything else can be set afterwards. Until a relay or Domain Sharing is set, unknown addresses are refused here.
domains-search = Name or part of it
domains-name = Domain
domains-aliases = Other names
domains-role = Role
domains-relay = Relay and peers
domains-users = Users
domains-state = State

domain-role-master = Master
domain-role-slave = Slave
domain-role-migration = Migration
domain-role-shared = Shared
domain-role-plain = Plain
domain-role-means-master = This server knows every user; the relay hosts some of them.
domain-role-means-slave = This server knows its own users; the relay decides about all others.
domain-role-means-migration = This server knows some users of the relay; the relay decides about addresses that are not known here yet.
domain-role-means-shared = Peers have the other users and are asked about them.
domain-role-means-plain = All users of the domain are here.

domain-state-good = Nothing wrong
domain-state-held = Held
domain-state-both-forward = Both sides forward unknown addresses
domain-state-accepts-everything = Relay accepts every address
domain-state-peer-silent = A peer does not answer
domain-state-relay-degraded = Relay has failures
domain-state-relay-down = Relay down
domain-state-relay-held = Relay held

domain-create = Create
domain-create-edit = Create and edit
domain-name-hint = The main name, such as example.com. It never changes.
domain-aliases-hint = Alias domains, one on each line. Addresses for all names are valid at each of them.
domain-tabs = Settings of the domain
domain-tab-general = General
domain-tab-mail = Mail system
domain-tab-routing = Mail routing
domain-postmaster = Postmaster
domain-postmaster-hint = Gets mail to postmaster@ and abuse@ when no user has these addresses. Empty: the relay if it gets unknown addresses, else the postmaster of this server.
domain-users-local = Mailboxes here
domain-users-third-party = Third-party users
domain-users-none = Without mail
domain-users-suspended = Suspended

domain-quota-lead = Limits of the mailboxes on this server. Third-party users have the limits of their own server.
domain-quota-user-max = Maximum user quota
domain-quota-user-default = Default user quota
domain-quota-shared-max = Maximum shared mailbox quota
domain-quota-shared-default = Default shared mailbox quota
domain-quota-hint-user-max = Users may be given any quota, or none.
domain-quota-hint-user-default = Users without a quota of their own get the maximum, if there is one.
domain-quota-hint-shared-max = Shared mailboxes may be given any quota, or none.
domain-quota-hint-shared-default = Shared mailboxes without a quota of their own get the maximum, if there is one.
quota-none = No quota
quota-size = Set quota to
quota-unit = Unit

domain-remove-which = Remove { $domain }
domain-remove-lead = Mail to this domain will be refused from then on. Nobody has an address in it any more.
domain-remove-in-the-way = The domain cannot be removed while it has:
domain-count-users = { $count ->
    [one] one user
   *[other] { $count } users
}
domain-count-mailboxes = { $count ->
    [one] one shared mailbox
   *[other] { $count } shared mailboxes
}
domain-count-groups = { $count ->
    [one] one group
   *[other] { $count } groups
}

routing-now = Unknown addresses now:
routing-title = Mail routing
routing-closed = Only an administrator who may set routing changes relay and Domain Sharing.
routing-relay = Relay for split domains
routing-relay-hint = The mail server that hosts the other users: a target, or host[:port]. It is the host itself, not its MX. Empty: all users are here, or on targets of their own. The domain’s own name is refused when it leads to this server.
routing-forward = Forward unknown addresses to the relay
routing-forward-hint = Off (master): this server refuses addresses that it does not know. On (slave, migration): the relay decides about them. Never turn it on at both sides.
routing-verify = When a stranger writes to an unknown address
routing-verify-callout = Ask the relay first
routing-verify-callout-hint = The relay is asked while the sender waits; what it refuses is refused here, too.
routing-verify-none = Accept without asking
routing-verify-none-hint = Every address is accepted. What the relay then refuses comes back as a report to a sender who may be forged.
routing-sharing = Domain Sharing
routing-sharing-hint = These peers are all asked who has an unknown address. If several have it, the first in this order gets the mail. If none has it, it goes to the relay or is refused; if one does not answer, the sender tries later.
routing-sharing-off = Off: no peer is asked.
routing-no-peers = There is no other peer to add.
routing-add-peer = Another peer
routing-add = Add
routing-up = Up
routing-down = Down
routing-up-which = Move { $peer } up
routing-down-which = Move { $peer } down
routing-drop-which = Remove { $peer } from this domain
routing-senders = Senders
routing-protect = Refuse senders of this domain from outside that are not logged in
routing-protect-hint = Protects against forged senders. Mail from the relay and the peers is exempt: they are recognised by their addresses, certificates or logins. Recipients, also unknown ones, are not concerned.
routing-preview = Preview the change

preview-title = What this change does
preview-before = Before
preview-after = After
preview-what-role = Role
preview-what-unknown = Unknown addresses
preview-confirm = I know, and want it so
preview-unconfirmed = Not saved yet: tick every warning first, or go back.
preview-back = Back to the form

domain-unknown-refused = They are refused here (550).
domain-unknown-relay-asked = The relay decides: it is asked while the sender waits.
domain-unknown-relay-unasked = All are accepted and sent to the relay without asking.
domain-unknown-peers = All peers are asked; what none has is refused here (550).
domain-unknown-peers-relay-asked = All peers are asked; about what none has the relay decides, which is asked while the sender waits.
domain-unknown-peers-relay-unasked = All peers are asked; what none has is accepted and sent to the relay without asking.

domain-effect-nothing = Nothing changes.
domain-effect-users-here = { $count ->
    [0] No mailbox is on this server.
    [one] One user with a mailbox on this server stays here.
   *[other] { $count } users with mailboxes on this server stay here.
}
domain-effect-users-relayed = { $count ->
    [0] No third-party user is known here; { $relay } gets mail for those who will be.
    [one] One third-party user is relayed to { $relay }.
   *[other] { $count } third-party users are relayed to { $relay }.
}
domain-effect-users-move = { $count ->
    [one] One third-party user is relayed to { $to } instead of { $from }; his waiting mail goes along.
   *[other] { $count } third-party users are relayed to { $to } instead of { $from }; their waiting mail goes along.
}
domain-effect-users-own-target = { $count ->
    [one] One third-party user keeps the target of his own.
   *[other] { $count } third-party users keep the targets of their own.
}
domain-effect-cached = { $count ->
    [one] One remembered answer of { $server } about this domain is concerned.
   *[other] { $count } remembered answers of { $server } about this domain are concerned.
}
domain-effect-names-added = Alias domains added: { $names }.
domain-effect-names-removed = Alias domains removed: { $names }.
domain-effect-peers = Peers before: { $before }. Peers after: { $after }.
domain-effect-peers-on = Domain Sharing begins with: { $after }.
domain-effect-peers-off = Domain Sharing ends with: { $before }.
domain-effect-protect-on = Senders of this domain from outside are refused without login.
domain-effect-protect-off = Senders of this domain from outside are accepted without login.
domain-effect-postmaster = Postmaster before: { $before }. Postmaster after: { $after }.
domain-effect-quota = A quota changes ({ $which }).

domain-warning-relay-unreachable = { $relay } cannot be reached now ({ $detail }). Mail for it would wait in the queue.
domain-warning-relay-refuses = { $relay } does not take mail from this server ({ $detail }).
domain-warning-relay-lacks-domain = { $relay } does not seem to serve this domain ({ $detail }).
domain-warning-relay-takes-everything = { $relay } also accepts addresses that nobody has. With unknown addresses forwarded, every mistyped address is accepted, and nobody tells the sender in time.
domain-warning-relay-own-name = { $relay } is a name of the domain itself. Mail goes to the host of this name, not to its MX; now it does not lead to this server, but a change in DNS could make it do so. A name of its own for the other server is safer.
domain-warning-verify-none = Unknown addresses will be sent to { $relay } without asking. What it refuses becomes reports to senders who may be forged.
domain-warning-unknown-refused = { $users ->
    [one] From now on, only addresses known here are accepted: those of one user. Everybody else gets “user unknown”.
   *[other] From now on, only addresses known here are accepted: those of { $users } users. Everybody else gets “user unknown”.
}
domain-warning-went-round = { $count ->
    [one] Mail of this domain has already come back from { $relay } once. See whether it forwards unknown addresses to this server.
   *[other] Mail of this domain has already come back from { $relay } { $count } times. See whether it forwards unknown addresses to this server.
}
domain-warning-peers-silent = These peers do not answer now: { $peers }. As long as they do not, strangers are told to try later for every unknown address.
domain-warning-sharing-ends = These peers will not be asked any more: { $peers }. Addresses that only they have become unknown here.
domain-warning-protect-without-sources = Mail from { $servers } is recognised only by the address of its host. If it also sends from other addresses, mail of its users will be refused: give it sources first.

done-domain-made = The domain was created.
done-domain-saved = The domain was saved.
done-domain-removed = The domain was removed.

domain-tab-signing = Signing
signing-lead = What users of this domain send is signed with every key of the domain in its From (DKIM). Other servers look the record up in DNS.
signing-none = No key: mail of this domain is not signed.
signing-algorithm = Kind
signing-algorithm-rsa = RSA, 2048 bits
signing-algorithm-ed25519 = Ed25519
signing-algorithm-hint-rsa = Every verifier knows it.
signing-algorithm-hint-ed25519 = Short. Verifiers that do not know it use an RSA key beside it.
signing-record-name = Name in DNS
signing-record = TXT record
signing-copy = Copy the record
signing-published-yes = DNS has it
signing-published-no = Not in DNS
signing-published-other = DNS has another key
signing-published-unknown = DNS does not answer
signing-mend-yes = Verifiers find it.
signing-mend-no = Publish the TXT record under this name. Until then verifiers cannot check the signature.
signing-mend-other = Replace the TXT record of this name. Until then signatures made with this key are taken for forged.
signing-mend-unknown = No name server could be asked. The TXT record must be there.
signing-new = New key
signing-domain = Signs for
signing-domain-hint = The name in From. Each alias needs a key of its own.
signing-selector = Selector
signing-selector-hint = The name of the key. Empty: wp with year and month.
signing-make = Make the key
signing-remove-title = Remove the key?
signing-remove-lead = Nothing is signed with it from then on, and it cannot be brought back. Leave its record in DNS for a week: mail on its way is signed with it.
done-signing-made = The key was made. Now publish its record.
done-signing-removed = The key was removed.
