import { expect, test } from "bun:test";
import { messageOf } from "../errors/mod.ts";
import { sentInTime, startBegins } from "./awaited-sender.ts";
import type { Container } from "./container-store.ts";

const containerOf = (name: string): Container => ({ name }) as Container;

/** A source that gives what it is told to. */
class Client {
  #next = Promise.withResolvers<string | undefined>();

  send(chunk?: string): void {
    this.#next.resolve(chunk);
  }

  async *sends(): AsyncGenerator<Uint8Array> {
    for (;;) {
      const chunk = await this.#next.promise;
      if (chunk === undefined) return;
      this.#next = Promise.withResolvers();
      yield Buffer.from(chunk);
    }
  }
}

test("who sends nothing is waited for until the container's start begins, and no longer", async () => {
  const [container, other, client] = [containerOf("web"), containerOf("other"), new Client()];
  const chunks = sentInTime(container, client.sends(), 1);
  client.send("a");
  expect((await chunks.next()).value).toEqual(Buffer.from("a"));
  const waiting = chunks.next().then(() => "more", messageOf);
  using _other = startBegins(other);
  expect(await Promise.race([waiting, Bun.sleep(50).then(() => "waits")])).toBe("waits");
  using _start = startBegins(container);
  expect(await waiting).toBe("container web is being started, and nothing more of the archive has come");
});

test("what comes in time is all passed on, and the time in which it is written doesn't count", async () => {
  const [container, client] = [containerOf("web"), new Client()];
  const chunks = sentInTime(container, client.sends(), 100_000);
  using _start = startBegins(container);
  for (const word of ["a", "b"]) {
    client.send(word);
    expect((await chunks.next()).value).toEqual(Buffer.from(word));
  }
  client.send();
  expect((await chunks.next()).done).toBe(true);
});
