"""Drills: known ways to lose data, played on a back end of the user's choice by a control plane of its own."""
