import { workspace } from 'vscode';
import { SETTINGS, type SettingKey } from './contributions.ts';

interface Values {
  'portcullis.defaultMinutes': number;
  'portcullis.whenLastWindowCloses': 'end' | 'keep';
  'portcullis.daemon.node': string;
}

/** A setting as the person wrote it, or its default when that is of another kind. A workspace cannot set any of them. */
export function setting<K extends SettingKey>(key: K): Values[K] {
  const found = workspace.getConfiguration().inspect(key)?.globalValue;
  const usable = valid[key](found);
  return (usable ? found : SETTINGS[key].default) as Values[K];
}

const valid: Record<SettingKey, (value: unknown) => boolean> = {
  'portcullis.defaultMinutes': (value) => Number.isInteger(value) && Number(value) >= 1 && Number(value) <= 1_440,
  'portcullis.whenLastWindowCloses': (value) => value === 'end' || value === 'keep',
  'portcullis.daemon.node': (value) => typeof value === 'string',
};
