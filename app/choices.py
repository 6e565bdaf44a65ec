"""The side bar: starting point, analysers, roots of trust."""

import streamlit as st
from cryptography import x509

from unmask.app.examining import Options
from unmask.app.page_html import alert
from unmask.registry import analysers


def prior() -> float:
    """P(synthetic) before looking, as chosen with the slider."""
    percent = st.slider(
        "Starting point: how probable was “synthetic” before looking?",
        min_value=1,
        max_value=99,
        value=50,
        format="%d%%",
        key="prior",
        help="50% takes no side. Where most of what reaches you is genuine, start lower: the same "
        "evidence then needs to be stronger. It changes the likelihood at once, without a new run.",
    )
    return percent / 100


def options() -> Options:
    """What to run; nothing changes before the button is pressed."""
    known = {one.name: one.title for one in analysers()}
    with st.form("options", border=False):
        names = st.multiselect(
            "Analyses",
            list(known),
            format_func=lambda name: known[name],
            placeholder="All that fit the file",
            key="names",
        )
        files = st.file_uploader(
            "Content Credentials: roots that you trust",
            type=["pem", "crt", "cer"],
            accept_multiple_files=True,
            max_upload_size=1,  # MB
            key="roots",
            help="Certificates (PEM) of signers or their authorities, beside the trust lists that "
            "come with unmask. They are used for this page alone.",
        )
        st.form_submit_button("Apply", width="stretch")
    roots = [pem for file in files if (pem := _certificates(file.getvalue()))]
    if len(roots) < len(files):
        alert("Not used", "A file of roots holds no certificate in PEM form.")
    return Options(names=tuple(name for name in names if name in known), roots=b"\n".join(roots))


def _certificates(pem: bytes) -> bytes:
    """`pem` if it holds certificates and nothing unreadable, else nothing."""
    try:
        return pem if x509.load_pem_x509_certificates(pem) else b""
    except ValueError:
        return b""
