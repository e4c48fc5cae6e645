"""Pages are self-contained: cleaned, linted, and styled from within."""

import pytest

from retention_models.reports.publishing.lint import PageError, clean_html, lint


@pytest.mark.parametrize(
    "bad",
    [
        "<script>1</script>",
        '<img src="https://example.org/x.png">',
        '<link rel="stylesheet" href="x.css">',
        '<p onclick="x()">',
        '<a href="javascript:x()">x</a>',
        '<iframe src="data:text/html,x"></iframe>',
        "<style>@import 'x.css';</style>",
        "<style>p { background: url(x.png) }</style>",
    ],
)
def test_what_would_leave_the_page_is_found(bad):
    """Fetched, run or embedded: the page is not published."""
    with pytest.raises(PageError, match="store 7: the page is not self-contained"):
        lint(f"<html><body>{bad}</body></html>", "store 7")


def test_text_that_only_looks_like_markup_passes():
    """Escaped text is text."""
    page = '<p title="onclick=x">&lt;script&gt; url(x) <img alt="x" src="data:,"></p>'
    assert page == lint(page, "store 7")


def test_cleaning_keeps_tables_and_drops_scripts():
    """Captions and scopes stay, handlers go."""
    table = '<table><caption>c</caption><tr><th scope="col" onclick="x()">h</th></tr></table>'
    cleaned = clean_html(table + "<script>x()</script><svg onload=x()></svg>")
    assert '<th scope="col">h</th>' in cleaned
    assert "caption" in cleaned
    assert "script" not in cleaned
    assert "svg" not in cleaned
    assert "onclick" not in cleaned
