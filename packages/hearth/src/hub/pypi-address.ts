// How a file inside a Python wheel is written as an address: `pypi:package@version:file`.

/** A file of a wheel on the Python package index. */
export interface PypiFile {
  package: string;
  version: string;
  /** Path inside the wheel. */
  file: string;
}

export function pypiAddress(from: PypiFile): string {
  return `pypi:${from.package}@${from.version}:${from.file}`;
}

/** The reverse; undefined for an address of another kind. */
export function parsePypiAddress(address: string): PypiFile | undefined {
  // Names and versions as the index allows them, so that neither can be an option of pip.
  const parts = /^pypi:([A-Za-z0-9][\w.-]*)@([A-Za-z0-9][\w.+!-]*):(.+)$/.exec(address);
  const [, name, version, file] = parts ?? [];
  if (name === undefined || version === undefined || file === undefined) return undefined;
  return { package: name, version, file };
}
