"""name -> factory: one small mechanism for every family (recognisers, searches, generators ...)."""

import threading
from collections.abc import Callable, Iterator
from typing import Generic, TypeVar

from core.errors import Code, UserError

T = TypeVar("T")


class Registry(Generic[T]):
    """An ordered mapping of names to zero- or more-argument factories of one family.

    A member registers itself where it is defined, so adding one is adding one file:

        @recognizers.register("sface")
        def build() -> Recognizer: ...
    """

    def __init__(self, family: str) -> None:
        self.family = family
        self._factories: dict[str, Callable[..., T]] = {}
        self._shared: dict[str, T] = {}
        self._lock = threading.Lock()

    def register(self, name: str) -> Callable[[Callable[..., T]], Callable[..., T]]:
        """Decorate a factory with its name; a second factory of the same name is a ValueError."""

        def keep(factory: Callable[..., T]) -> Callable[..., T]:
            if name in self._factories:
                raise ValueError(f"{self.family} {name!r} is registered twice")
            self._factories[name] = factory
            return factory

        return keep

    def create(self, name: str, *args: object, **kwargs: object) -> T:
        """Build the member called ``name``; an unknown name is a UserError that lists the known ones."""
        if name not in self._factories:
            raise UserError(
                Code.OPTION_RANGE,
                f"There is no {self.family} called {name!r}.",
                f"Choose one of: {', '.join(self)}.",
            )
        return self._factories[name](*args, **kwargs)

    def shared(self, name: str) -> T:
        """The member called ``name``, built at the first call and shared by the whole process.

        Safe to call from several threads; errors as :meth:`create`, after which the next call tries again.
        """
        with self._lock:  # two callers at once must not build (or fetch) the same member twice
            if name not in self._shared:
                import torch  # whoever shares members has it, a page that only lists them has not

                with torch.inference_mode(False):  # whoever asks first, they must serve gradients too
                    self._shared[name] = self.create(name)
            return self._shared[name]

    def forget_shared(self) -> None:
        """Build shared members anew from now on."""
        with self._lock:
            self._shared.clear()

    def __contains__(self, name: object) -> bool:
        return name in self._factories

    def __iter__(self) -> Iterator[str]:
        return iter(self._factories)

    def __len__(self) -> int:
        return len(self._factories)
