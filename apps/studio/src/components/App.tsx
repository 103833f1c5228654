/** The page: header, settings, and either the choice of a model or the conversation. */
import { useCallback, useEffect, useRef, useState } from "preact/hooks";
import { useEscape, useFollow, useStudio } from "../hooks.js";
import type { Studio } from "../store.js";
import { Composer } from "./Composer.js";
import { Conversation } from "./Conversation.js";
import { DevicePanel } from "./DevicePanel.js";
import { Examples } from "./Examples.js";
import { FailureBanner } from "./FailureBanner.js";
import { Header } from "./Header.js";
import { DownIcon } from "./Icons.js";
import { Loading } from "./Loading.js";
import { SettingsPanel } from "./SettingsPanel.js";
import { Welcome } from "./Welcome.js";

export function App({ studio }: { studio: Studio }) {
  const state = useStudio(studio);
  // One panel at a time: two would leave a phone no room for the conversation.
  const [panel, setPanel] = useState<"settings" | "device">();
  const toggle = (which: "settings" | "device") => () =>
    setPanel(panel === which ? undefined : which);
  const { following, follow } = useFollow(state.messages);
  const input = useRef<HTMLTextAreaElement>(null);
  const ready = state.phase === "ready";
  const empty = state.messages.length === 0;

  useEscape(state.generating, studio.stop);
  useEffect(() => {
    if (ready) input.current?.focus();
  }, [ready]);

  const send = useCallback(
    (question: string) => {
      const taken = studio.send(question);
      if (taken) follow();
      return taken;
    },
    [studio, follow],
  );

  return (
    <div class="page" data-phase={state.phase} data-generating={state.generating}>
      <div class="top">
        <Header
          state={state}
          settingsOpen={panel === "settings"}
          deviceOpen={panel === "device"}
          onToggleSettings={toggle("settings")}
          onToggleDevice={toggle("device")}
          onClear={() => {
            studio.clear();
            input.current?.focus();
          }}
          onUnload={() => void studio.unload()}
        />
        <SettingsPanel
          open={panel === "settings"}
          settings={state.settings}
          onChange={studio.changeSettings}
        />
        <DevicePanel
          open={panel === "device"}
          state={state}
          onCheck={() => void studio.checkDevice()}
          onCancel={studio.cancelCheck}
        />
      </div>
      <main>
        {empty && ready && state.info && <Examples info={state.info} onPick={send} />}
        {!empty && <Conversation messages={state.messages} />}
        {state.failure && (
          <FailureBanner
            failure={state.failure}
            onRetry={() => void studio.retry()}
            onDismiss={studio.dismissFailure}
          />
        )}
        {state.phase === "idle" && <Welcome state={state} studio={studio} brief={!empty} />}
        {state.phase === "loading" && <Loading state={state} onCancel={studio.cancelLoad} />}
      </main>
      {ready && (
        <div class="dock">
          {!following && !empty && (
            <button type="button" class="jump" onClick={follow}>
              <DownIcon /> <span>Latest</span>
            </button>
          )}
          <Composer
            input={input}
            generating={state.generating}
            onSend={send}
            onStop={() => {
              studio.stop();
              input.current?.focus();
            }}
          />
        </div>
      )}
    </div>
  );
}
