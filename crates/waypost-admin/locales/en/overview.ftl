nav-overview = Overview

overview-title = Overview
overview-lead = What happens at { $name } now: rates are the mean of the last five minutes.
overview-lead-part = How the servers that your domains use are now.
overview-whole-site = How much mail flows is counted for the whole site, and shown to those who may see all of it.
overview-own-queue = What waits for your domains
overview-servers = Servers that your domains use
overview-loaded = As loaded
overview-live = Live
overview-lost = Not current: the connection was lost
overview-fine = Nothing is wrong.
overview-wrong = { $count ->
    [one] One thing needs attention
   *[other] { $count } things need attention
}

severity-error = Error:
severity-warning = Warning:
severity-notice = Notice:

wrong-said = In its words:
wrong-accepts-everything = { $name } accepts every address of { $domain }, whether it exists or not: strangers’ mail to unknown addresses cannot be refused
wrong-address-twice = { $name } exists on two servers: mail goes to { $mail_goes_to }, and { $also_on } has it too
wrong-both-forward = { $name } and { $target } both forward unknown addresses to each other: { $loops ->
    [one] one recipient has gone round
   *[other] { $loops } recipients have gone round
}
wrong-certificate-expired = The certificate of { $name } has expired
wrong-certificate-expires = The certificate of { $name } expires { $days ->
    [0] within a day
    [one] in one day
   *[other] in { $days } days
}
wrong-certificate-not-given = The authority gives no certificate for { $name }
wrong-disk-full = The disk is full: { $free_bytes } of { $total_bytes } are free, and no mail is taken
wrong-disk-nearly-full = The disk is nearly full: { $free_bytes } of { $total_bytes } are free
wrong-held = Mail for { $name } is held
wrong-other = { $name }: { $code }
wrong-peer-silent = Peer { $name } does not answer questions about addresses; it is asked again in { $paused_s }
wrong-postmaster-mail = { $messages ->
    [one] A message waits
   *[other] { $messages } messages wait
} in the site’s own postmaster mailbox
wrong-queue-old = { $waiting ->
    [one] One recipient waits
   *[other] { $waiting } recipients wait
} for { $name }, the oldest for { $oldest_s }
wrong-spool-suspect = The store of messages on { $name } has failed: no mail is taken until it has proved itself again
wrong-target-degraded-alone = { $name } fails from time to time
wrong-target-degraded = { $name } fails from time to time; { $waiting ->
    [0] nobody waits for it
    [one] one recipient waits
   *[other] { $waiting } recipients wait
}
wrong-target-down-alone = { $name } cannot be reached
wrong-target-down = { $name } cannot be reached; { $waiting ->
    [0] nobody waits for it
    [one] one recipient waits
   *[other] { $waiting } recipients wait
}
moment-at = Seen
moment-last-answer = Last answer
moment-last-success = Last success
moment-seen = Seen
moment-since = Since
moment-tried-again = Tried again
moment-until = Until

stat-messages = Taken in
stat-messages-unit = messages
stat-per-minute = per minute
stat-sent = Delivered
stat-refused = Refused
stat-queue = Queue
stat-oldest = Oldest message that waits
stat-up = Running for

map-title = Who exchanges mail with this server
map-legend = Thicker lines carry more mail; dotted ones carried none in the last five minutes.
map-desc = At the left who brings mail, in the middle this server with its mailboxes below it, at the right { $count ->
    [one] one place
   *[other] { $count } places
} that mail goes to. The table below says the same.
map-more = { $count ->
    [one] One more is in the table only.
   *[other] { $count } more are in the table only.
}
map-rate-brings = { $rate } messages/min
map-rate-takes = { $rate } delivered/min
map-rate-takes-in = { $rate } messages/min taken in
map-rate-refuses = { $rate } recipients/min refused
map-queue = { $count ->
    [one] one message in the queue
   *[other] { $count } messages in the queue
}
map-oldest = oldest waits { $span }
map-hop-rates = to it { $out }/min, from it { $in }/min
map-hop-waits = { $count } waiting, oldest { $span }

source-here = This server itself
source-strangers = Internet
source-trusted = Trusted networks
source-users = Own users

hop-local = Mailboxes here
hop-mx = Other domains
hop-none = Not routed yet
hop-smart-host = Smart host
hop-kind-local = mailboxes
hop-kind-mx = by MX
hop-kind-none = waiting for a route
hop-kind-peer = peer
hop-kind-smart-host = smart host
hop-kind-source = brings mail
hop-kind-target = target
hop-state-degraded = degraded
hop-state-down = down
hop-state-held = held
hop-state-unused = not used yet
hop-state-up = up

hops-name = Who
hops-kind = What
hops-state = State
hops-sent = To it/min
hops-incoming = From it/min
hops-failed = Failed/min
hops-waiting = Waiting
hops-oldest = Oldest

charts-title = Over time
charts-span = How long
charts-time = Time
charts-table = As a table
span-hours = 3 hours
span-day = 24 hours
span-month = 30 days
chart-traffic = Traffic, per minute
chart-refusals = Refused recipients by reason, per minute
chart-delay = From arrival to delivery
chart-queue = Queue
series-messages = Messages taken in
series-sent = Recipients delivered
series-deferred = Recipients put off
series-refused = Recipients refused
series-delay-p50 = half within
series-delay-p95 = 95 % within
series-queue = Messages in the queue
series-waiting = Recipients that wait

refusal-for-now = { $reason } (for now)
refusal-forward-unknown = relay does not have it
refusal-gateway = gateway domain
refusal-group = group
refusal-local = mailbox here
refusal-loop = would go in a circle
refusal-next-hop = the next hop
refusal-no-mail = user without mail
refusal-not-served = domain not served here
refusal-policy = sender or limits
refusal-postmaster = postmaster
refusal-sharing = Domain Sharing
refusal-suspended = user suspended
refusal-third-party = third-party user
refusal-unknown = unknown address
