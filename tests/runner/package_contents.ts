/**
 * What a published version contains, and how large it is.
 *
 * @module
 */

/**
 * The limit for what is uploaded and downloaded: the gzipped tarball, in bytes.
 * Comments are most of a source file here, and pack well.
 */
export const PACKED_LIMIT = 480_000;

/**
 * The limit for the files themselves, in bytes: about a seventh more than they
 * have, so that a file that does not belong there is noticed. Deno fetches the
 * modules that a program imports: the library, and the command line only where it
 * is used.
 */
export const UNPACKED_LIMIT = 1_650_000;

const BLOCK = 512;

/** A file of the package. */
export interface PackageFile {
  /** Its path in the package. */
  readonly path: string;
  /** What is in it. */
  readonly bytes: Uint8Array<ArrayBuffer>;
}

/**
 * The files that `deno publish --dry-run` says it would publish.
 *
 * @param said What it wrote to its standard error.
 * @param folder The folder of the package.
 * @returns Their paths, relative to the folder.
 */
export function publishedPaths(said: string, folder: URL): string[] {
  const found: string[] = [];
  for (const [, url] of said.matchAll(/^\s+(file:\S+) \([\d.]+\w+\)$/gm)) {
    if (url?.startsWith(folder.href)) {
      found.push(decodeURIComponent(url.slice(folder.href.length)));
    }
  }
  return found;
}

/**
 * The size of the tarball.
 *
 * @param files What is in it.
 * @returns Bytes, gzipped.
 */
export async function packedSize(
  files: readonly PackageFile[],
): Promise<number> {
  const packer = new CompressionStream("gzip");
  const packed = new Response(packer.readable).arrayBuffer();
  const writer = packer.writable.getWriter();
  for (const { path, bytes } of files) {
    await writer.write(header(path, bytes.length));
    await writer.write(bytes);
    await writer.write(new Uint8Array(-bytes.length & (BLOCK - 1)));
  }
  await writer.write(new Uint8Array(2 * BLOCK));
  await writer.close();
  return (await packed).byteLength;
}

// The fields of a tar header that differ from file to file.
function header(path: string, size: number): Uint8Array<ArrayBuffer> {
  const block = new Uint8Array(BLOCK);
  const encoder = new TextEncoder();
  encoder.encodeInto(path, block);
  encoder.encodeInto(size.toString(8).padStart(11, "0"), block.subarray(124));
  return block;
}

/**
 * The contents, for a person: each folder with its files and bytes.
 *
 * @param files What is in the package.
 * @returns Lines.
 */
export function contents(files: readonly PackageFile[]): string[] {
  const folders = Map.groupBy(
    files,
    ({ path }) => path.slice(0, path.indexOf("/") + 1) || "./",
  );
  return [...folders].map(([folder, own]) => {
    const names = own.length > 5
      ? `${own.length} files`
      : own.map(({ path }) => path).join(" ");
    const size = kilobytes(total(own)).padStart(7);
    return `  ${folder.padEnd(9)} ${size}  ${names}`;
  });
}

/**
 * The size of the files.
 *
 * @param files The files.
 * @returns Bytes.
 */
export function total(files: readonly PackageFile[]): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/**
 * A size, for a person.
 *
 * @param bytes The size.
 * @returns In kB of a thousand bytes.
 */
export function kilobytes(bytes: number): string {
  return `${Math.round(bytes / 1000)} kB`;
}
