/** What components need of the page and of the store, as hooks. */
import { useCallback, useEffect, useLayoutEffect, useRef, useState } from "preact/hooks";
import type { State, Studio } from "./store.js";

/** The store's state; renders again after each change. */
export function useStudio(studio: Studio): State {
  const [state, setState] = useState(studio.state);
  useLayoutEffect(() => {
    const update = () => setState(studio.state());
    // Something may have changed between the first render and this.
    update();
    return studio.subscribe(update);
  }, [studio]);
  return state;
}

/** Distance from the end, in CSS pixels, within which a reader counts as reading along. */
const nearEnd = 48;

/**
 * Keeps the page scrolled to its end while it grows, for as long as the reader is there. Scrolling
 * up lets go, coming back to the end takes hold again.
 *
 * @param content changes whenever the page may have grown
 * @returns whether it holds on, and what jumps to the end and takes hold
 */
export function useFollow(content: unknown): { following: boolean; follow: () => void } {
  const [following, setFollowing] = useState(true);
  const lastTop = useRef(0);

  useEffect(() => {
    const page = document.documentElement;
    const onScroll = () => {
      const left = page.scrollHeight - page.clientHeight - page.scrollTop;
      // Growth alone never lets go: only a reader's move up does.
      if (left <= nearEnd) setFollowing(true);
      else if (page.scrollTop < lastTop.current) setFollowing(false);
      lastTop.current = page.scrollTop;
    };
    addEventListener("scroll", onScroll, { passive: true });
    return () => removeEventListener("scroll", onScroll);
  }, []);

  const toEnd = useCallback(() => {
    const page = document.documentElement;
    page.scrollTop = page.scrollHeight;
    lastTop.current = page.scrollTop;
  }, []);
  useLayoutEffect(() => {
    if (following) toEnd();
  }, [content, following, toEnd]);

  const follow = useCallback(() => {
    setFollowing(true);
    toEnd();
  }, [toEnd]);
  return { following, follow };
}

/** Calls `onEscape` when Escape is pressed anywhere, while `active`. */
export function useEscape(active: boolean, onEscape: () => void): void {
  useEffect(() => {
    if (!active) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.preventDefault();
      onEscape();
    };
    addEventListener("keydown", onKey);
    return () => removeEventListener("keydown", onKey);
  }, [active, onEscape]);
}

/** Calls back with files that are dropped anywhere on the page, which would else open them. */
export function useDroppedFiles(onFiles: (files: readonly File[]) => void): void {
  useEffect(() => {
    const over = (event: DragEvent) => event.preventDefault();
    const drop = (event: DragEvent) => {
      event.preventDefault();
      const files = [...(event.dataTransfer?.files ?? [])];
      if (files.length > 0) onFiles(files);
    };
    window.addEventListener("dragover", over);
    window.addEventListener("drop", drop);
    return () => {
      window.removeEventListener("dragover", over);
      window.removeEventListener("drop", drop);
    };
  }, [onFiles]);
}
