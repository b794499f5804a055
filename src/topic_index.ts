/**
 * Many topic filters, asked at once which of them match a name.
 *
 * @module
 */

interface Node<T> {
  literals: Map<string, Node<T>> | undefined;
  plus: Node<T> | undefined;
  hash: Node<T> | undefined;
  values: Set<T> | undefined;
}

/**
 * Values under topic filters. The cost of a match depends on the levels of the name and on the
 * filters that share a beginning with it, not on how many others there are.
 */
export class TopicIndex<T> {
  readonly #root: Node<T> = createNode();
  #size = 0;

  /** Pairs of filter and value held. */
  get size(): number {
    return this.#size;
  }

  /** Adds `value` under the valid `filter` (without `$share`); the same pair twice counts once. */
  add(filter: string, value: T): void {
    let node = this.#root;
    for (const level of filter.split("/")) {
      node = childOf(node, level) ?? addChild(node, level);
    }
    node.values ??= new Set();
    const before = node.values.size;
    node.values.add(value);
    this.#size += node.values.size - before;
  }

  /** Removes `value` from under `filter`; says whether it was there. */
  delete(filter: string, value: T): boolean {
    const levels = filter.split("/");
    const path: Node<T>[] = [this.#root];
    let node: Node<T> | undefined = this.#root;
    for (const level of levels) {
      node = childOf(node, level);
      if (node === undefined) return false;
      path.push(node);
    }
    if (!node.values?.delete(value)) return false;
    this.#size--;
    if (node.values.size === 0) node.values = undefined;
    for (let depth = levels.length; depth > 0; depth--) {
      const child = path[depth];
      const parent = path[depth - 1];
      const level = levels[depth - 1];
      if (child === undefined || parent === undefined || level === undefined) break;
      if (!isEmpty(child)) break;
      removeChild(parent, level);
    }
    return true;
  }

  /**
   * The values of all filters that match the topic `name`, by the rules of `matches` in topic.ts.
   * A value held under two matching filters appears twice.
   */
  match(name: string): T[] {
    const found: T[] = [];
    let nodes: Node<T>[] = [this.#root];
    // A leading wildcard does not match a name that begins with '$' (MQTT-4.7.2-1).
    let wildcards = !name.startsWith("$");
    // Level by level, not by recursion: a name may have 65,535 levels.
    for (let start = 0; nodes.length > 0 && start <= name.length;) {
      const slash = name.indexOf("/", start);
      const end = slash < 0 ? name.length : slash;
      const level = name.slice(start, end);
      const next: Node<T>[] = [];
      for (const node of nodes) {
        const literal = node.literals?.get(level);
        if (literal !== undefined) next.push(literal);
        if (!wildcards) continue;
        if (node.plus !== undefined) next.push(node.plus);
        if (node.hash !== undefined) collect(node.hash, found);
      }
      nodes = next;
      wildcards = true;
      start = end + 1;
    }
    for (const node of nodes) {
      collect(node, found);
      if (node.hash !== undefined) collect(node.hash, found);
    }
    return found;
  }
}

function createNode<T>(): Node<T> {
  return { literals: undefined, plus: undefined, hash: undefined, values: undefined };
}

function childOf<T>(node: Node<T>, level: string): Node<T> | undefined {
  if (level === "+") return node.plus;
  return level === "#" ? node.hash : node.literals?.get(level);
}

function addChild<T>(node: Node<T>, level: string): Node<T> {
  const child = createNode<T>();
  if (level === "+") node.plus = child;
  else if (level === "#") node.hash = child;
  else (node.literals ??= new Map()).set(level, child);
  return child;
}

function removeChild<T>(node: Node<T>, level: string): void {
  if (level === "+") node.plus = undefined;
  else if (level === "#") node.hash = undefined;
  else {
    node.literals?.delete(level);
    if (node.literals?.size === 0) node.literals = undefined;
  }
}

function isEmpty<T>(node: Node<T>): boolean {
  return node.literals === undefined && node.plus === undefined && node.hash === undefined &&
    node.values === undefined;
}

function collect<T>(node: Node<T>, into: T[]): void {
  if (node.values === undefined) return;
  for (const value of node.values) into.push(value);
}
