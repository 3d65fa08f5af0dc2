"""Where a person draws the patch's place: strokes on a picture, as a script sends them and as a mask."""

import json
from typing import Final

import gradio as gr
import numpy as np

from core.errors import Code, UserError
from core.types import Mask

MOST_STROKES, MOST_POINTS, MOST_JSON = 60, 400, 60_000
LEAST, MOST = 0.01, 0.15  # share of the picture that a drawn patch may cover

_TEMPLATE: Final = """<div class="facet-draw"><canvas tabindex="0" role="img" aria-label="{label}"></canvas>
<div class="tools"><label>Brush <input type="range" min="2" max="16" value="7" aria-label="Brush width">
</label><button type="button" class="undo">Undo</button>
<button type="button" class="clear">Clear</button></div>
<p>{caption}</p></div>"""

# Strokes are [width, x, y, x, y, ...] in shares of the picture's width and height.
_SCRIPT: Final = """
const canvas = element.querySelector('canvas'), pen = canvas.getContext('2d');
const width = element.querySelector('input');
const address = path => `${window.gradio_config?.root ?? ''}/gradio_api/file=${encodeURI(path)}`;
const picture = new Image();
let strokes = [], current = null;
const tell = () => {
  const box = document.querySelector('#TARGET textarea');
  box.value = JSON.stringify(strokes);
  box.dispatchEvent(new Event('input', {bubbles: true}));
};
const paint = () => {
  pen.clearRect(0, 0, canvas.width, canvas.height);
  if (picture.naturalWidth) pen.drawImage(picture, 0, 0, canvas.width, canvas.height);
  pen.strokeStyle = pen.fillStyle = 'rgba(15, 122, 109, 0.75)';
  pen.lineCap = pen.lineJoin = 'round';
  for (const [size, ...xy] of current ? [...strokes, current] : strokes) {
    pen.lineWidth = size * canvas.width;
    pen.beginPath();
    pen.moveTo(xy[0] * canvas.width, xy[1] * canvas.height);
    for (let i = 0; i < xy.length; i += 2) pen.lineTo(xy[i] * canvas.width + 0.01, xy[i + 1] * canvas.height);
    pen.stroke();
  }
};
const at = event => {
  const box = canvas.getBoundingClientRect();
  const share = (value, low, size) => Math.min(Math.max((value - low) / size, 0), 1);
  return [share(event.clientX, box.left, box.width), share(event.clientY, box.top, box.height)]
    .map(value => Math.round(value * 1000) / 1000);
};
canvas.addEventListener('pointerdown', event => {
  event.preventDefault();
  canvas.setPointerCapture(event.pointerId);
  current = [Number(width.value) / 100, ...at(event)];
  paint();
});
canvas.addEventListener('pointermove', event => {
  if (current && current.length < 2 * MOST) { current.push(...at(event)); paint(); }
});
for (const name of ['pointerup', 'pointercancel']) canvas.addEventListener(name, () => {
  if (current) { strokes.push(current); current = null; paint(); tell(); }
});
element.querySelector('.undo').addEventListener('click', () => { strokes.pop(); paint(); tell(); });
element.querySelector('.clear').addEventListener('click', () => { strokes = []; paint(); tell(); });
const show = () => {
  strokes = [];
  if (!props.value) { picture.removeAttribute('src'); paint(); return; }
  picture.onload = () => {
    canvas.width = 448; canvas.height = Math.round(448 * picture.naturalHeight / picture.naturalWidth);
    paint();
  };
  picture.src = address(props.value);
};
watch('value', show);
show();
"""


def drawing(target: str, elem_id: str, visible: bool) -> gr.HTML:
    """A picture to draw on; its value is the picture's path.

    Args:
        target: ``elem_id`` of the text box that gets the strokes.
        elem_id: of the component.
        visible: from the start.
    """
    label = "Draw with mouse or finger where the patch is to sit"
    caption = (
        "Draw where the patch is to sit: at most a seventh of the picture. On a face it bends with the mesh, "
        "and what is drawn beside the face stays bare. Fixed places need no drawing."
    )
    return gr.HTML(
        None,
        html_template=_TEMPLATE.format(label=label, caption=caption),
        js_on_load=_SCRIPT.replace("TARGET", target).replace("MOST", str(MOST_POINTS)),
        elem_id=elem_id,
        apply_default_css=False,
        visible=visible,
    )


def mask(text: str, height: int, width: int) -> Mask:
    """The strokes of a picture as a mask.

    Args:
        text: JSON: a list of strokes, each [width, x, y, x, y, ...], all in shares of the picture.
        height, width: of the picture, pixels.

    Raises:
        UserError: ``PATTERN_INVALID``: no strokes, or no such list; or they cover too little or too much.
    """
    import cv2

    canvas = np.zeros((height, width), np.uint8)
    for stroke in _parsed(text):
        points = np.array(stroke[1:]).reshape(-1, 2) * [width - 1, height - 1]
        thick = max(1, round(stroke[0] * width))
        cv2.polylines(canvas, [np.rint(points).astype(np.int32)], False, 1, thick)
        for x, y in np.rint(points).astype(int):
            cv2.circle(canvas, (int(x), int(y)), thick // 2, 1, -1)
    share = float((canvas > 0).mean())
    if not LEAST <= share <= MOST:
        size = "less than a hundredth" if share < LEAST else "more than a seventh"
        raise UserError(
            Code.PATTERN_INVALID, f"The drawing covers {size} of the picture.", "Draw another area."
        )
    return np.asarray(canvas > 0)


def _parsed(text: str) -> list[list[float]]:
    refused = UserError(
        Code.PATTERN_INVALID, "Nothing is drawn yet.", "Draw on the picture where the patch is to sit."
    )
    if not text or len(text) > MOST_JSON:
        raise refused
    try:
        found = json.loads(text)
    except ValueError:
        raise refused from None
    if not isinstance(found, list) or not 0 < len(found) <= MOST_STROKES:
        raise refused
    for stroke in found:
        plain = isinstance(stroke, list) and 3 <= len(stroke) <= 2 * MOST_POINTS + 3 and len(stroke) % 2
        if not plain or not all(type(v) in (int, float) and 0 <= v <= 1 for v in stroke):
            raise refused
    return [[float(value) for value in stroke] for stroke in found]
