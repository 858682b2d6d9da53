pager-title = Pages
pager-first = First page
pager-next = Next page
