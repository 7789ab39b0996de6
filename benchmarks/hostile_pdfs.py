"""PDFs that take much more than they have: for benchmarks/hostile_files.py and the tests of documents."""

PAGE = b"<</Type/Page/Parent 2 0 R/MediaBox[%s]/Contents 4 0 R/Resources<<%s>>>>"
LETTER = b"0 0 612 792"  # in 1/72 inches


def stream(content: bytes, head: bytes = b"") -> bytes:
    return b"<<%s/Length %d>>stream\n%s\nendstream" % (head, len(content), content)


def pdf(content: bytes, box: bytes = LETTER, resources: bytes = b"", others: tuple[bytes, ...] = ()) -> bytes:
    """Return a PDF of one page that draws `content`; `others`: its objects from number 5 on."""
    catalog, pages = b"<</Type/Catalog/Pages 2 0 R>>", b"<</Type/Pages/Count 1/Kids[3 0 R]>>"
    file, places = b"%PDF-1.4\n", []
    for number, thing in enumerate((catalog, pages, PAGE % (box, resources), stream(content), *others), 1):
        places.append(b"%010d 00000 n \n" % len(file))
        file += b"%d 0 obj\n%s\nendobj\n" % (number, thing)
    table = b"xref\n0 %d\n0000000000 65535 f \n%s" % (len(places) + 1, b"".join(places))
    return file + table + b"trailer<</Size %d/Root 1 0 R>>\nstartxref\n%d\n%%%%EOF" % (len(places) + 1, len(file))


def nested(depth: int = 14) -> bytes:
    """Return a PDF whose page shows a drawing, which shows another one ten times, and so on: 10^depth of them."""
    head = b"/Type/XObject/Subtype/Form/BBox[%s]" % LETTER
    resources = [b"/XObject<</F %d 0 R>>" % number for number in range(5, 6 + depth)]
    inner = [stream(b"/F Do " * 10, head + b"/Resources<<%s>>" % resources[k + 1]) for k in range(depth)]
    return pdf(b"/F Do", resources=resources[0], others=(*inner, stream(b"0 0 500 500 re f", head)))


def curves(count: int = 250_000) -> bytes:
    """Return a PDF whose page has so many curves across it."""
    steps, sides = (7, 13, 3, 5, 11, 17, 19, 23), (612, 792) * 4
    points = ([k * step % side for step, side in zip(steps, sides, strict=True)] for k in range(count))
    return pdf(b"".join(b"%d %d m %d %d %d %d %d %d c S " % tuple(one) for one in points))


def bombs() -> dict[str, bytes]:
    return {
        "nested.pdf": nested(),
        "curves.pdf": curves(),
        "large.pdf": pdf(b"", b"0 0 14400000 14400000"),
        "thin.pdf": pdf(b"", b"0 0 14400 1"),
        "zero.pdf": pdf(b"", b"0 0 0 0"),
        "empty.pdf": b"",
        "text.pdf": b"no PDF\n" * 100,
    }
