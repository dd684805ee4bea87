"""The daemon below its faces, part by part."""
