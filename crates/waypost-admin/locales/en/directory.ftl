directory-title = Directory
directory-lead = Users, shared mailboxes and groups of your domains.
directory-kinds = Kinds
directory-tab-users = Users
directory-tab-mailboxes = Shared mailboxes
directory-tab-groups = Groups
directory-new-users = New user
directory-new-mailboxes = New shared mailbox
directory-new-groups = New group
directory-import = Import
directory-export = Export
directory-search = Search in names and addresses
directory-find = Search
directory-any = any
directory-name = Name
directory-address = Address
directory-mail = Mail type
directory-target = Target
directory-state = State
directory-domain = Domain
directory-nothing = Nobody fits these filters.
directory-none-users = No user yet.
directory-none-mailboxes = No shared mailbox yet.
directory-none-groups = No group yet.
directory-select-all = Select all on this page
directory-select = Select { $name }
directory-pages = Pages
directory-first = First page
directory-next = Next page
directory-count = { $count ->
    [one] One user
   *[other] { $count } users
}

mail-local = Mailbox here
mail-third-party = Third-party mail server
mail-none = No mail
mail-hint-local = This server keeps the mailbox; he can log in.
mail-hint-third-party = Mail is relayed to another server; he cannot log in here.
mail-hint-none = Mail to him is refused.
state-active = Active
state-suspended = Suspended
target-relay = Relay of the domain

bulk-selected = selected
bulk-all = All { $count } found
bulk-do = With the selected:
bulk-mail-local = Set mail type: mailbox here
bulk-mail-third-party = Set mail type: third-party mail server
bulk-mail-none = Set mail type: no mail
bulk-to-target = Move to a target
bulk-target = Move
bulk-suspend = Suspend
bulk-resume = End suspension
bulk-remove = Remove
bulk-go-on = Go on
bulk-ask-mail-local = { $count ->
    [one] Give one user a mailbox here?
   *[other] Give { $count } users a mailbox here?
}
bulk-ask-mail-third-party = { $count ->
    [one] Relay the mail of one user to the relay of his domain?
   *[other] Relay the mail of { $count } users to the relay of their domain?
}
bulk-ask-mail-none = { $count ->
    [one] Take mail away from one user?
   *[other] Take mail away from { $count } users?
}
bulk-ask-target = { $count ->
    [one] Move one user to: { $target }?
   *[other] Move { $count } users to: { $target }?
}
bulk-ask-suspend = { $count ->
    [one] Suspend one user?
   *[other] Suspend { $count } users?
}
bulk-ask-resume = { $count ->
    [one] End the suspension of one user?
   *[other] End the suspension of { $count } users?
}
bulk-ask-remove = { $count ->
    [one] Remove one user?
   *[other] Remove { $count } users?
}
bulk-ask-note = Who cannot be changed is left as he is, and listed with the reason.
bulk-ask-more = … and { $count ->
    [one] one more user
   *[other] { $count } more users
}
bulk-ask-removed = Removed
target-relay-named = Relay of the domain: { $relay }

import-title = Import users
import-lead = First you see what the file would do; nothing is changed before you say so.
import-file = CSV file
import-file-hint = Up to 128 MiB, in UTF-8, with commas or semicolons.
import-text = Or its text
import-columns = The first line names the columns. There are:
import-columns-more = Only login must be there, with its domain (jdoe@example.com) where there is no column for it. Several addresses are separated by spaces. Missing columns leave what is there; nobody is removed.
import-force = Do not ask peers about new addresses
import-force-hint = Else a row is refused when a peer has one of its addresses, or cannot be asked.
import-preview = Preview

job-users-import = Import users
job-users-actions = Change many users
job-rehearsed = This is what it would do. Nothing has been changed yet.
job-cancelled = Cancelled; what was done before stays done.
job-count-created = New
job-count-changed = Changed
job-count-removed = Removed
job-count-unchanged = As they were
job-count-refused = Refused
job-next = { $count ->
    [one] Import one user
   *[other] Import { $count } users
}
job-other = Another file
job-refused = { $count ->
    [one] One refused
   *[other] { $count } refused
}
job-refused-file = All as a file
job-refused-line = Line
job-refused-object = Who
job-refused-field = Field
job-refused-why = Why, and what to do
job-refused-shown = The first { $count } are shown; all are in the file.
job-step-saving = Saving
job-step-trying = Trying, without saving
job-step-asking-peers = Asking peers
job-step-applying = Applying

field-addresses = Addresses
field-domain = Domain
field-force = Save all the same
field-login = Login
field-mail = Mail type
field-members = Members
field-name = Name
field-owner = Owner
field-password = Password
field-quota = Quota
field-relayed = Relayed addresses
field-suspended = Suspended
field-target = Target
job-step-holding = Holding messages
job-step-releasing = Releasing messages
job-step-removing = Removing messages
job-step-retrying = Trying messages now
field-created_ms = Made
field-hash = Secret
