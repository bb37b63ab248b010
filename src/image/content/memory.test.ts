import { contentStoreSuite } from "./suite.ts";
import { MemoryStore } from "./memory.ts";

contentStoreSuite("memory", async () => new MemoryStore());
