/**
 * The notes of a release, taken out of CHANGELOG.md.
 * @module
 */

/** What the page says under `## VERSION`, else under `## Unreleased`; throws when it has neither. */
export function releaseNotes(changelog: string, version: string): string {
  const sections = changelog.split(/^## /m).slice(1);
  const found = [version, "Unreleased"].map((title) => sections.find((text) => text.startsWith(`${title}\n`)));
  const section = found.find((text) => text !== undefined);
  if (section === undefined) throw new Error(`CHANGELOG.md has neither "## ${version}" nor "## Unreleased"`);
  return `# qight ${version}\n\n${section.slice(section.indexOf("\n") + 1).trim()}\n`;
}
