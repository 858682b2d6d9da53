pager-title = Pages
pager-first = Première page
pager-next = Page suivante
