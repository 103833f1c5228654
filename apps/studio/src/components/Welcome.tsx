/** Before a model is loaded: what this is, and which model to load. */
import type { CatalogueModel } from "../engine.js";
import { formatBytes, formatParameters } from "../format.js";
import { chosenModel, otherModel, type State, type Studio } from "../store.js";
import { LockIcon } from "./Icons.js";
import { ModelFacts } from "./ModelFacts.js";
import { OtherModel } from "./OtherModel.js";

function ModelOption({
  model,
  chosen,
  onChoose,
}: {
  model: CatalogueModel;
  chosen: boolean;
  onChoose: () => void;
}) {
  return (
    <label class="model">
      <input type="radio" name="model" checked={chosen} onChange={onChoose} />
      <span class="model-text">
        <span class="model-name">{model.name}</span>
        <span class="model-about">{model.description}</span>
      </span>
      <span class="model-size">
        {formatBytes(model.bytes)}
        <span class="model-about">
          {formatParameters(model.parameters)} weights
          {" · "}
          {model.license}
        </span>
      </span>
    </label>
  );
}

export function Welcome({
  state,
  studio,
  brief,
}: {
  state: State;
  studio: Studio;
  /** Without the introduction, as below a conversation. */
  brief: boolean;
}) {
  const named = chosenModel(state) !== undefined;
  return (
    <section class="welcome" aria-labelledby="welcome-title">
      {brief ? (
        <h2 id="welcome-title" class="visually-hidden">
          Choose a model
        </h2>
      ) : (
        <>
          <h2 id="welcome-title">A language model, at home in this tab.</h2>
          <p class="lead">
            It is downloaded once and kept on this device. From then on it answers without a server,
            and without a connection.
          </p>
        </>
      )}
      <form
        onSubmit={(event) => {
          event.preventDefault();
          void studio.load();
        }}
      >
        <fieldset class="models">
          <legend>Model</legend>
          {state.models.map((model) => (
            <ModelOption
              key={model.id}
              model={model}
              chosen={model.id === state.modelId}
              onChoose={() => studio.selectModel(model.id)}
            />
          ))}
          <OtherModel state={state} studio={studio} chosen={state.modelId === otherModel} />
        </fieldset>
        <ModelFacts state={state} />
        <div class="welcome-buttons">
          <button type="submit" class="primary" data-testid="load" disabled={!named}>
            Load the model
          </button>
          <button
            type="button"
            class="secondary"
            data-testid="look"
            disabled={!named || state.looking}
            onClick={() => void studio.lookAtModel()}
          >
            {state.looking ? "Looking…" : "What is it?"}
          </button>
        </div>
      </form>
      {!brief && (
        <p class="promise">
          <LockIcon /> <span>What you write never leaves this page.</span>
        </p>
      )}
    </section>
  );
}
