// What a server under test is made of beside the plugins that are tested.

import authGuest from "chatfusion/plugins/auth-guest";
import fabricTree from "chatfusion/plugins/fabric-tree";
import type { Plugin, Role } from "../plugin/context.ts";

/** Guests may enter, and `fabric-tree` merges, where no plugin of the list says otherwise. */
export function withDefaults(plugins: readonly Plugin[]): readonly Plugin[] {
  // What is no plugin is told by the core.
  const given: readonly (Partial<Plugin> | undefined)[] = plugins;
  const has = (role: Role) => given.some((one) => one?.provides?.includes(role) === true);
  return [
    ...plugins,
    ...(has("auth") ? [] : [authGuest()]),
    ...(has("fabric") ? [] : [fabricTree()]),
  ];
}
