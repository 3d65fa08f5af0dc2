"""The tabs of the app, in the order in which they are shown."""

from demos.abaw import ABAW
from demos.base import Demo
from demos.camouflage import CAMOUFLAGE
from demos.patches import PATCHES
from demos.personalize import PERSONALIZE

TABS: tuple[Demo, ...] = (CAMOUFLAGE, ABAW, PERSONALIZE, PATCHES)
