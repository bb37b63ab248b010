/**
 * The names that one layer has put in place so far, to follow its symbolic links and to know what an entry replaces.
 * @module
 */

/** Components from the layer's root, never `.`, `..`, empty or with a slash or NUL; empty is the root itself. */
export type Path = readonly string[];

/** What is at a path. */
export interface LayerNode {
  readonly kind: "directory" | "symlink" | "whiteout" | "other";
  /** Text of a symbolic link. */
  readonly target?: string;
}

/** A path that can't be; the translator says which entry has it. */
export class PathError extends Error {
  override readonly name: string = "PathError";
}

interface Node extends LayerNode {
  readonly children?: Map<string, Node>;
}

/** Linux follows as many links in one path (path_resolution(7)). */
const mostLinks = 40;
/** Components that one path may come to by its links, so that a chain of long links costs no time worth speaking of. */
const mostSteps = 4096;

/** A tree of names. */
export class LayerTree {
  readonly #root: Node = { kind: "directory", children: new Map<string, Node>() };

  /** What is at the path, whose links have been followed. */
  get(path: Path): LayerNode | undefined {
    let node: Node | undefined = this.#root;
    for (const component of path) node = node?.children?.get(component);
    return node;
  }

  /** Puts something at the path; a directory over a directory keeps what is in it, all else goes. */
  put(path: Path, kind: LayerNode["kind"], target?: string): void {
    const name = path.at(-1);
    if (name === undefined) return;
    let parent: Node | undefined = this.#root;
    for (const component of path.slice(0, -1)) parent = parent?.children?.get(component);
    if (kind !== "directory") parent?.children?.set(name, { kind, target });
    else if (parent?.children?.get(name)?.kind !== "directory")
      parent?.children?.set(name, { kind, children: new Map<string, Node>() });
  }

  /** The path with all links of this layer followed, never out of the root. What isn't there stays as it is. */
  resolve(path: Path): Path {
    const done: string[] = [];
    const nodes: (Node | undefined)[] = [this.#root];
    const left = path.toReversed();
    let links = 0;
    let steps = 0;
    for (let component = left.pop(); component !== undefined; component = left.pop()) {
      if (++steps > mostSteps) throw new PathError("too many levels of symbolic links");
      if (component === "..") {
        // Above the root is the root, as for a process that is chrooted there.
        if (done.pop() !== undefined) nodes.pop();
        continue;
      }
      const node = nodes.at(-1)?.children?.get(component);
      if (node?.kind !== "symlink") {
        done.push(component);
        nodes.push(node);
        continue;
      }
      if (++links > mostLinks) throw new PathError("too many levels of symbolic links");
      const target = node.target ?? "";
      if (target.startsWith("/")) {
        done.length = 0;
        nodes.length = 1;
      }
      const components = target.split("/").filter((part) => part !== "" && part !== ".");
      left.push(...components.toReversed());
    }
    return done;
  }

  /** The path with the links before its last component followed. */
  resolveParent(path: Path): Path {
    const name = path.at(-1);
    return name === undefined ? [] : [...this.resolve(path.slice(0, -1)), name];
  }
}
