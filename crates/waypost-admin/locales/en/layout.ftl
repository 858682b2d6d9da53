layout-skip = Skip to the content
layout-menu = Menu
layout-main-menu = Main
layout-signed-in = Signed in as
layout-log-out = Log out

nav-group-overview = Overview
nav-group-mail = Mail
nav-directory = Directory
nav-domains = Supervised domains
nav-group-site = Site
nav-admins = Administrators
nav-tokens = Tokens
nav-group-routes = Routes
nav-queue = Queue
nav-targets = Targets
nav-sharing = Domain Sharing
nav-gateways = Gateway domains
nav-system = System
nav-log = Log

role-superadministrator = Superadministrator
role-domain-administrator = Domain administrator
role-user-administrator = User administrator
role-helpdesk = Helpdesk

done-password = Your password was changed.

problem-400 = This request cannot be read
problem-401 = Nobody is logged in
problem-403 = You may not do this
problem-404 = There is no such thing
problem-405 = This address takes a form
problem-409 = It is there already
problem-412 = Somebody else has changed it in the meantime
problem-413 = This is too large
problem-415 = This is of the wrong type
problem-422 = Something is wrong with the fields
problem-429 = Too many attempts
problem-500 = Something failed inside the server
problem-503 = This cannot be done now
stale-title = This form is from an earlier login
stale-says = Nothing was changed. You have logged in again since its page was loaded; what you entered is still here, and can be sent now.
stale-again = Send it now
problem-back = Back to the start


login-title = Log in
login-name = Login
login-password = Password
login-button = Log in
login-first = The first login is admin0; its one-time password is in the file admin0-password in the server’s data folder.
login-refused-401 = Login or password is wrong.
login-refused-429 = Too many failed logins.
login-refused-500 = Something failed inside the server; its log says what.
login-refused-503 = Logins cannot be checked now; try again later.
login-wait = { $seconds ->
    [one] Try again in one second.
   *[other] Try again in { $seconds } seconds.
}

password-title = Choose a password
password-lead = Everything else comes after that. At least ten characters; a sentence is easier to keep in mind than signs.
password-new = New password
password-again = The same again
password-save = Save password
password-wrong-short = It is shorter than ten characters.
password-wrong-differs = The two are not the same.
password-wrong-user = This login is a user’s: his password is changed with the user.
