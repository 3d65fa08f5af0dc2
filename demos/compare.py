"""Before and after under one movable line: by mouse, finger or arrow keys, with words for both pictures."""

import html
import json

import gradio as gr

# The range input covers the pictures, so that a press anywhere moves the line and the keyboard reaches it.
_TEMPLATE = """<figure class="facet-compare"><div class="stage">
<input type="range" min="0" max="100" value="50" step="1" aria-label="{label}"></div>
<figcaption>{caption}</figcaption></figure>"""

# New pictures are decoded before they take the place of the old ones: nothing flickers under a moving slider.
_SCRIPT = """
const stage = element.querySelector('.stage'), line = stage.querySelector('input');
const address = path => `${window.gradio_config?.root ?? ''}/gradio_api/file=${encodeURI(path)}`;
let turn = 0;
line.addEventListener('input', () => stage.style.setProperty('--line', line.value + '%'));
const show = async () => {
  const mine = ++turn, words = WORDS;
  const pictures = (props.value || []).map((path, side) => Object.assign(
    new Image(), {src: address(path), alt: words[side], className: side ? 'after' : 'before'}));
  await Promise.allSettled(pictures.map(picture => picture.decode()));
  if (mine !== turn) return;
  stage.querySelectorAll('img').forEach(old => old.remove());
  stage.prepend(...pictures);
};
watch('value', show);
show();
"""


def comparison(before: str, after: str, label: str, caption: str, elem_id: str) -> gr.HTML:
    """Two pictures of one size, one over the other; nothing is drawn without them.

    The component's value is the two files' paths, which must lie where this visitor's browser may fetch
    them (:meth:`demos.sessions.Session.write`), or None.

    Args:
        before: what the picture left of the line shows, in words.
        after: the same of the one to its right.
        label: what the line is called when it is read out.
        caption: a sentence below.
        elem_id: of the component.
    """
    words = json.dumps([before, after])
    return gr.HTML(
        None,
        html_template=_TEMPLATE.format(label=html.escape(label), caption=html.escape(caption)),
        js_on_load=_SCRIPT.replace("WORDS", words),
        elem_id=elem_id,
        apply_default_css=False,
    )
