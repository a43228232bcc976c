// fabric-tree keeps the contract of its role.

import fabricTree from "../../../plugins/fabric-tree.ts";
import { testFabric } from "../../../src/testing.ts";

testFabric("fabric-tree", { make: () => fabricTree() });
