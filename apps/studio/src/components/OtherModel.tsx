/** A model that is not in the catalogue: named, or picked from this device. */
import { useRef } from "preact/hooks";
import { useDroppedFiles } from "../hooks.js";
import { otherModel, type State, type Studio } from "../store.js";

export function OtherModel({
  state,
  studio,
  chosen,
}: {
  state: State;
  studio: Studio;
  chosen: boolean;
}) {
  const picker = useRef<HTMLInputElement>(null);
  useDroppedFiles(studio.pickFiles);
  return (
    <div class="model other">
      <input
        type="radio"
        name="model"
        id="other-model"
        checked={chosen}
        onChange={() => studio.selectModel(otherModel)}
      />
      <div class="model-text">
        <label for="other-model">
          <span class="model-name">Another model</span>
          <span class="model-about">
            A GGUF file or the files of a safetensors folder: by name on Hugging Face, by address,
            or dropped here from this device.
          </span>
        </label>
        {chosen && (
          <div class="other-fields">
            {state.files.length > 0 ? (
              <p class="other-files" data-testid="picked">
                {state.files.map(({ name }) => name).join(", ")}
                <button type="button" class="quiet" onClick={() => studio.pickFiles([])}>
                  Take back
                </button>
              </p>
            ) : (
              <input
                type="text"
                data-testid="address"
                aria-label="Name or address of the model"
                placeholder="hf:organization/name or https://…"
                autocomplete="off"
                autocapitalize="none"
                spellcheck={false}
                value={state.address}
                onInput={(event) => studio.nameModel(event.currentTarget.value)}
              />
            )}
            <button type="button" class="secondary" onClick={() => picker.current?.click()}>
              Choose files…
            </button>
            <input
              ref={picker}
              type="file"
              multiple
              hidden
              data-testid="files"
              onChange={(event) => studio.pickFiles([...(event.currentTarget.files ?? [])])}
            />
          </div>
        )}
      </div>
    </div>
  );
}
