import { MarkdownString, ThemeColor, ThemeIcon, TreeItem, TreeItemCollapsibleState } from 'vscode';
import { plainMarkdown } from '../words/markdown.ts';
import type { Row } from './rows.ts';

const STATES: Record<Row['expand'], TreeItemCollapsibleState> = {
  never: TreeItemCollapsibleState.None,
  closed: TreeItemCollapsibleState.Collapsed,
  open: TreeItemCollapsibleState.Expanded,
};

/** A row as the editor's tree item. */
export function treeItem(id: string, row: Row, argument: unknown): TreeItem {
  const item = new TreeItem(row.label, STATES[row.expand]);
  item.id = id;
  item.description = row.description ?? false;
  item.contextValue = row.flags.map((flag) => `+${flag}`).join('');
  item.accessibilityInformation = { label: row.spoken, role: 'treeitem' };
  item.tooltip = new MarkdownString(plainMarkdown(row.tooltip));
  if (row.icon) item.iconPath = new ThemeIcon(row.icon.id, row.icon.color ? new ThemeColor(row.icon.color) : undefined);
  if (row.command) item.command = { command: row.command, title: '', arguments: [argument] };
  return item;
}
